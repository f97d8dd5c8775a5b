/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What must not stand still and must not be restarted: whoever freezes the display server, D-Bus or the shell that
 * the operator types into has taken the host away from him, and nobody can end that but us. A process may name itself
 * as it likes; one that takes the name of a display server is spared the freeze, and nothing else. Below /system.slice
 * only root names units: those are spared the throttle as well, for whoever talks to them waits with them.
 */

#include <string.h>

#include "base/text.h"
#include "decide/offender.h"
#include "model/cgroup-path.h"

bool comm_is_vital(const char *comm) {
        /* as the kernel cuts them, at 15 bytes */
        static const char *const names[] = {
                "Xorg", "X", "Xwayland", "gnome-shell", "kwin_wayland", "kwin_x11", "sway", "weston", "mutter", "Hyprland",
                "cage", "labwc", "wayfire", "river", "cosmic-comp", "plasmashell", "gnome-session-b", "gdm-wayland-ses",
                "gdm-x-session", "gdm3", "gdm", "sddm", "lightdm", "dbus-daemon", "dbus-broker", "dbus-broker-lau", "systemd",
                "systemd-logind", "systemd-journal", "systemd-udevd", "systemd-resolve", "systemd-network", "systemd-oomd",
                "(sd-pam)", "polkitd", "init",
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
        static const char *const services[] = {
                "dbus.service", "dbus-broker.service", "display-manager.service", "gdm.service", "gdm3.service", "sddm.service",
                "lightdm.service", "lxdm.service", "xdm.service", "greetd.service", "polkit.service", "init.scope",
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

bool cgroup_may_freeze(const DecideState *s, const Snapshot *snap, uint32_t i) {
        const char *path = snap->cgroups[i].path;
        if (!(snap->detail & DETAIL_PROCESSES) || (s->cgroup_flags[i] & (CGROUP_FLAG_TERMINAL | CGROUP_FLAG_VITAL)) ||
            any_component(path, component_is_vital) || any_component(path, component_is_session))
                return false;
        const char *name = strrchr(path, '/');
        return !name || !component_is_user_manager(name + 1, strlen(name + 1));
}

bool cgroup_may_hold(const char *path) {
        static const char system[] = "/system.slice/";
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
