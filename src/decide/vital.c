/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What must not stand still and must not be restarted: whoever freezes the display server, D-Bus or the shell that
 * the operator types into has taken the host away from him, and nobody can end that but us. A process may name itself
 * as it likes; one that takes the name of a display server is spared the freeze, and where people's sessions are the
 * throttle, but never the kill. Below /system.slice only root names units: those are spared the throttle as well, for
 * whoever talks to them waits with them. What a user's manager runs for the whole session (compositor, D-Bus, sound)
 * has by convention a slice of its own, session.slice: systemd.special(7); the rest is in app.slice.
 */

#include <string.h>

#include "base/text.h"
#include "decide/offender.h"
#include "model/cgroup-path.h"

bool comm_is_vital(const char *comm) {
        /* as the kernel cuts them, at 15 bytes; no pointers, which would have to be relocated in each process */
        static const char names[][COMM_MAX] = {
                "Xorg", "X", "Xwayland", "gnome-shell", "kwin_wayland", "kwin_x11", "sway", "weston", "mutter", "Hyprland",
                "cage", "labwc", "wayfire", "river", "cosmic-comp", "plasmashell", "gnome-session-b", "gdm-wayland-ses",
                "gdm-x-session", "gdm3", "gdm", "sddm", "lightdm", "dbus-daemon", "dbus-broker", "dbus-broker-lau", "systemd",
                "systemd-logind", "systemd-journal", "systemd-udevd", "systemd-resolve", "systemd-network", "systemd-oomd",
                "(sd-pam)", "polkitd", "init", "gnome-session-c", "gnome-session-i", "kwin_wayland_wr", "startplasma-way",
                "startplasma-x11", "xfce4-session", "xfwm4", "cinnamon", "cinnamon-sessio", "mate-session", "marco", "openbox",
                "i3", "pipewire", "pipewire-pulse", "wireplumber", "pulseaudio",
        };
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(comm, names[i]) == 0)
                        return true;
        return false;
}

static bool component_is(const char *at, size_t n, const char *prefix, const char *suffix) {
        size_t a = strlen(prefix), b = strlen(suffix);
        return n >= a + b && memcmp(at, prefix, a) == 0 && memcmp(at + n - b, suffix, b) == 0;
}

/* A unit that all others need, by any component of the path: what is below it belongs to it. */
static bool component_is_vital(const char *at, size_t n) {
        static const char services[][24] = {
                "dbus.service", "dbus-broker.service", "display-manager.service", "gdm.service", "gdm3.service", "sddm.service",
                "lightdm.service", "lxdm.service", "xdm.service", "greetd.service", "polkit.service", "init.scope",
                "pipewire.service", "pipewire-pulse.service", "wireplumber.service", "pulseaudio.service",
        };
        for (size_t i = 0; i < ARRAY_SIZE(services); i++)
                if (strlen(services[i]) == n && memcmp(at, services[i], n) == 0)
                        return true;
        return component_is(at, n, "systemd-", ".service");
}

typedef bool (*ComponentFn)(const char *at, size_t n);

static bool any_component(const char *path, ComponentFn is) {
        for (const char *p = path; *p;) {
                p += strspn(p, "/");
                size_t n = strcspn(p, "/");
                if (n > 0 && is(p, n))
                        return true;
                p += n;
        }
        return false;
}

static bool component_is_session(const char *at, size_t n) {
        return component_is(at, n, "session-", ".scope");
}

static bool component_is_user_manager(const char *at, size_t n) {
        return component_is(at, n, "user@", ".service");
}

/* Below the manager of a user: what it runs for the whole session. */
static bool is_session_slice(const char *path) {
        static const char slice[] = "session.slice";
        for (const char *p = path; *p;) {
                p += strspn(p, "/");
                size_t n = strcspn(p, "/");
                bool is_manager = component_is_user_manager(p, n);
                p += n;
                p += strspn(p, "/");
                if (is_manager)
                        return strcspn(p, "/") == sizeof(slice) - 1 && memcmp(p, slice, sizeof(slice) - 1) == 0;
        }
        return false;
}

bool cgroup_is_of_session(const char *path) {
        static const char user[] = "/user.slice/";
        return strncmp(path, user, sizeof(user) - 1) == 0 &&
               (any_component(path, component_is_session) || any_component(path, component_is_user_manager));
}

bool cgroup_may_freeze(const DecideState *s, const Snapshot *snap, uint32_t i) {
        const char *path = snap->cgroups[i].path;
        if (!(snap->detail & DETAIL_PROCESSES) || (s->cgroup_flags[i] & (CGROUP_FLAG_TERMINAL | CGROUP_FLAG_VITAL)) ||
            any_component(path, component_is_vital) || any_component(path, component_is_session) || is_session_slice(path))
                return false;
        const char *name = strrchr(path, '/');
        return !name || !component_is_user_manager(name + 1, strlen(name + 1));
}

/* A unit of a user's manager by its name: only those that a session has one of, not everything that begins alike. */
static bool last_component_is_vital(const char *path) {
        const char *name = strrchr(path, '/');
        return name && !text_has_prefix(name + 1, "systemd-") && component_is_vital(name + 1, strlen(name + 1));
}

bool cgroup_may_hold(const DecideState *s, const Snapshot *snap, uint32_t i) {
        static const char system[] = "/system.slice/";
        const char *path = snap->cgroups[i].path;
        if (cgroup_is_of_session(path))
                return !is_session_slice(path) && !last_component_is_vital(path) && !(s->cgroup_flags[i] & CGROUP_FLAG_VITAL);
        if (strncmp(path, system, sizeof(system) - 1) != 0)
                return true;
        const char *name = path + sizeof(system) - 1;
        return !component_is_vital(name, strcspn(name, "/"));
}

/* Services of a user are his own manager's; the system's would not know them. */
bool cgroup_may_restart(const char *path) {
        return cgroup_path_ends(path, strlen(path), ".service") && !any_component(path, component_is_vital) &&
               !any_component(path, component_is_user_manager) && !any_component(path, component_is_session);
}
