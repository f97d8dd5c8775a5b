/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup is its inode number; a path is only where it stands now. What was learnt of a cgroup in the
 * previous walk is carried over when both are the same.
 *
 * Breadth first, one directory open at a time: no recursion, and where there are more cgroups than
 * @max the deepest are left out. On cgroupfs the link count
 * of a directory is 2 + its children, so that leaves, which are most, are never opened for a listing.
 *
 * Refuses to follow symbolic links, to look at paths of CGROUP_PATH_MAX and more, and to allocate.
 */
#include "sense/cgroup-tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/text.h"
#include "sense/cgroup-attr.h"
#include "sense/mountinfo.h"
#include "sense/read.h"
#include "sense/xattr.h"

/* Fields that stay as they are between two discoveries. */
#define CACHED_FIELDS                                                                         \
        (UINT64_C(1) << CGROUP_MIN | UINT64_C(1) << CGROUP_LOW | UINT64_C(1) << CGROUP_HIGH | \
         UINT64_C(1) << CGROUP_MAX | UINT64_C(1) << CGROUP_SWAP_MAX | UINT64_C(1) << CGROUP_OOM_GROUP)

/* Directory entries per system call: about 300 names. */
#define LISTING_BYTES 8192

/* One walk under way: the pair of arrays that it fills, and the pair of the walk before. */
typedef struct Walk {
        CgroupTree *t;
        const SenseMatchers *m;
        bool is_discovery;
        CgroupSample *samples, *old_samples;
        CgroupNode *nodes, *old_nodes;
        uint32_t n;
} Walk;

int cgroup_tree_init(CgroupTree *t, uint32_t max_cgroups, char *scratch, size_t scratch_size, Complaints *c) {
        int r = 0;

        *t = (CgroupTree){ .fd = -EBADF,
                           .max = max_cgroups,
                           .match = 1,
                           .scratch = scratch,
                           .scratch_size = scratch_size,
                           .complaints = c };
        for (unsigned i = 0; i < 2 && r >= 0; i++)
                if ((r = reserve_init(&t->samples[i], (size_t)max_cgroups * sizeof(CgroupSample))) >= 0)
                        r = reserve_init(&t->nodes[i], (size_t)max_cgroups * sizeof(CgroupNode));
        if (r >= 0)
                r = path_store_init(&t->paths, max_cgroups);
        if (r < 0)
                cgroup_tree_done(t);
        return r;
}

void cgroup_tree_done(CgroupTree *t) {
        for (unsigned i = 0; i < 2; i++) {
                reserve_done(&t->samples[i]);
                reserve_done(&t->nodes[i]);
        }
        path_store_done(&t->paths);
        t->fd = fd_close(t->fd);
}

/* A tree that was captured without its mount table: the two places that everybody uses. */
static int mount_guess(int root_fd) {
        static const char *const places[] = { "sys/fs/cgroup", "sys/fs/cgroup/unified" };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                _cleanup_close_ int fd = openat(root_fd, places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd >= 0 && faccessat(fd, "cgroup.controllers", F_OK, 0) == 0)
                        return TAKE_FD(fd);
        }
        return -ENOENT;
}

/**
 * cgroup_tree_mount() - find and open the cgroup2 mount
 * @root_fd: of the host; mount points are taken as below it
 * @mounts:  text of mountinfo or mounts; "" where there is none
 *
 * Return: 0; -ENOENT where there is no cgroup2; other negative errno of openat().
 */
int cgroup_tree_mount(CgroupTree *t, int root_fd, const char *mounts) {
        Cgroup2Mount m = { .root = "/" };
        int fd;

        t->fd = fd_close(t->fd);
        if (mountinfo_find_cgroup2(mounts, &m) == 0) {
                const char *p = m.point + strspn(m.point, "/");
                fd = openat(root_fd, *p ? p : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0)
                        return -errno;
                /* Tells cgroupfs, live or captured, from whatever was mounted over it. */
                if (faccessat(fd, "cgroup.controllers", F_OK, 0) < 0) {
                        fd_close(fd);
                        return -ENOENT;
                }
        } else if ((fd = mount_guess(root_fd)) < 0)
                return fd;
        t->fd = fd;
        (void)strcpy(t->mount_root, strcmp(m.root, "/") == 0 ? "" : m.root);
        /* The root of the hierarchy has no type, no limits and no use of its own. */
        t->is_real_root = t->mount_root[0] == '\0' && faccessat(fd, "cgroup.type", F_OK, 0) < 0 &&
                          faccessat(fd, "memory.current", F_OK, 0) < 0;
        return 0;
}

/* Does the list of words in @file hold "memory"? */
static bool lists_memory(const CgroupTree *t, const char *file) {
        char text[512];

        if (read_once_at(t->fd, file, text, sizeof(text)) < 0)
                return false;
        for (char *save, *w = strtok_r(text, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
                if (strcmp(w, "memory") == 0)
                        return true;
        return false;
}

/* Index of the closest monitored cgroup above, the root where there is none. */
static uint32_t monitored_above(const Walk *w, uint32_t i) {
        while (w->samples[i].parent != INDEX_NONE) {
                i = w->samples[i].parent;
                if (w->samples[i].policy >= 0)
                        break;
        }
        return i;
}

static bool has_limit(const CgroupSample *s, CgroupField f) {
        return cgroup_has(s, f) && s->value[f] != CGROUP_NO_LIMIT;
}

static void node_match(Walk *w, uint32_t i) {
        CgroupSample *s = &w->samples[i];
        CgroupNode *n = &w->nodes[i];
        bool is_limited = has_limit(s, CGROUP_HIGH) || has_limit(s, CGROUP_MAX);

        if (n->match == w->t->match && n->is_limited == is_limited)
                return;
        n->match = w->t->match;
        n->is_limited = is_limited;
        /* The root is the host, and the host's policy needs no cgroup. */
        s->policy = i > 0 && w->m->match_cgroup ? w->m->match_cgroup(w->m->userdata, s->path, is_limited) : -1;
}

/* All that is read of a cgroup at a discovery, or when it is new. @fd is open on the directory. */
static void node_read_whole(Walk *w, uint32_t i, int fd) {
        CgroupSample *s = &w->samples[i];
        CgroupAttrSource a = { .dir_fd = fd,
                               .prefix = "",
                               .scratch = w->t->scratch,
                               .scratch_size = w->t->scratch_size,
                               .complaints = w->t->complaints };
        XattrMarks marks;

        s->have &= ~CACHED_FIELDS;
        if (w->t->has_memory) {
                cgroup_attr_read_usage(&a, s);
                if (i > 0 || !w->t->is_real_root)
                        cgroup_attr_read_limits(&a, s);
        }
        node_match(w, i);
        /* where they cannot be read, what was read before stays true */
        if (xattr_marks_read(fd, &marks) < 0)
                return;
        s->marks &= ~(uint32_t)(CGROUP_MARK_PREFER | CGROUP_MARK_AVOID | CGROUP_MARK_OMIT);
        s->marks |= xattr_marks_honoured(&marks, w->nodes[i].owner_uid, w->nodes[monitored_above(w, i)].owner_uid);
}

static void node_mark_new(Walk *w, uint32_t i) {
        CgroupNode *n = &w->nodes[i];
        uint32_t previous = w->is_discovery ? w->t->discovery - 1 : w->t->discovery;

        /* "New" is against the discovery before; before the first one there is nothing to compare with. */
        if (w->is_discovery || n->last_discovery == 0) {
                w->samples[i].marks &= ~(uint32_t)CGROUP_MARK_NEW;
                if (previous > 0 && n->last_discovery != previous)
                        w->samples[i].marks |= CGROUP_MARK_NEW;
        }
        if (w->is_discovery)
                n->last_discovery = w->t->discovery;
}

/* Starts the entry of a cgroup; what the previous walk knew of it is kept. Returns its index. */
static uint32_t node_start(Walk *w, PathEntry *path, const struct stat *st, uint32_t parent, bool *ret_is_known) {
        CgroupTree *t = w->t;
        uint32_t i = w->n++;
        bool is_known = path->walk == t->walk - 1 && path->walk > 0 && path->id == (uint64_t)st->st_ino;

        if (is_known) {
                uint32_t old = path->node,
                         keep = CGROUP_MARK_PREFER | CGROUP_MARK_AVOID | CGROUP_MARK_OMIT | CGROUP_MARK_NEW;
                w->samples[i] = w->old_samples[old];
                w->nodes[i] = w->old_nodes[old];
                w->samples[i].marks &= keep;
                w->samples[i].have &= CACHED_FIELDS;
                for (unsigned f = 0; f < _CGROUP_FIELD_MAX; f++)
                        if (!cgroup_has(&w->samples[i], f))
                                w->samples[i].value[f] = 0;
        } else {
                w->samples[i] = (CgroupSample){ .id = (uint64_t)st->st_ino, .policy = -1 };
                w->nodes[i] = (CgroupNode){ .slot = INDEX_NONE };
        }
        w->samples[i].parent = parent;
        w->samples[i].path = path->path;
        w->samples[i].marks |= CGROUP_MARK_LEAF; /* until a child turns up */
        w->nodes[i].path = path;
        w->nodes[i].owner_uid = st->st_uid;
        w->nodes[i].may_have_children = st->st_nlink != 2;
        w->nodes[i].is_of_interest = false;
        path->id = (uint64_t)st->st_ino;
        path->walk = t->walk;
        path->node = i;
        *ret_is_known = is_known;
        return i;
}

static PathEntry *child_path(Walk *w, uint32_t parent, const char *name, size_t len) {
        const PathEntry *up = w->nodes[parent].path;
        size_t up_len = up->len > 1 ? up->len : 0; /* "/" + name, not "//" */
        char buf[CGROUP_PATH_MAX];

        if (up_len + 1 + len >= sizeof(buf)) {
                char shown[64];
                TextBuf b = TEXT_BUF(shown);
                text_append_escaped(&b, name);
                complaint_raise(w->t->complaints, COMPLAINT_CGROUP_PATH,
                                "a cgroup named %s has a path longer than %d bytes: leaving it and all below it out",
                                shown, CGROUP_PATH_MAX - 1);
                return NULL;
        }
        memcpy(buf, up->path, up_len);
        buf[up_len] = '/';
        memcpy(buf + up_len + 1, name, len);
        PathEntry *e = path_store_intern(&w->t->paths, buf, up_len + 1 + len);
        if (!e)
                complaint_raise(w->t->complaints, COMPLAINT_PATH_STORE,
                                "too many cgroup paths since the last discovery: leaving new ones out");
        return e;
}

static void child_add(Walk *w, uint32_t parent, int parent_fd, const char *name) {
        CgroupTree *t = w->t;
        size_t len = strlen(name);
        struct stat st;
        bool is_known;

        /* no cgroup has a longer name, but what a --root shows may be any file system */
        if (len > NAME_MAX || fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
                return;
        w->samples[parent].marks &= ~(uint32_t)CGROUP_MARK_LEAF;
        if (w->n == t->max) {
                complaint_raise(t->complaints, COMPLAINT_CGROUP_CAP,
                                "more than %u cgroups: leaving the deepest of them out", t->max);
                return;
        }
        PathEntry *path = child_path(w, parent, name, len);
        if (!path || path->walk == t->walk) /* seen already: a directory may list a name twice while it changes */
                return;

        if (!w->is_discovery && path->walk == t->walk - 1 && path->walk > 0 && path->id == (uint64_t)st.st_ino) {
                uint32_t i = node_start(w, path, &st, parent, &is_known);
                char prefix[NAME_MAX + 2];
                memcpy(prefix, name, len);
                memcpy(prefix + len, "/", 2);
                CgroupAttrSource a = { .dir_fd = parent_fd, .prefix = prefix, .complaints = t->complaints };
                if (t->has_memory && w->nodes[i].slot == INDEX_NONE)
                        cgroup_attr_read_usage(&a, &w->samples[i]);
                node_match(w, i);
                return;
        }
        _cleanup_close_ int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return; /* gone again */
        uint32_t i = node_start(w, path, &st, parent, &is_known);
        node_read_whole(w, i, fd);
        node_mark_new(w, i);
}

/* Adds the children of a cgroup. @fd is open on it, at its beginning. */
static int children_add(Walk *w, uint32_t i, int fd) {
        char buf[LISTING_BYTES] __attribute__((aligned(16)));

        for (;;) {
                ssize_t n = getdents64(fd, buf, sizeof(buf));
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *d = (const struct dirent64 *)(buf + at);
                        at += d->d_reclen;
                        if (d->d_name[0] == '.' &&
                            (d->d_name[1] == '\0' || (d->d_name[1] == '.' && d->d_name[2] == '\0')))
                                continue;
                        if (d->d_type == DT_DIR || d->d_type == DT_UNKNOWN)
                                child_add(w, i, fd, d->d_name);
                }
        }
}

int cgroup_tree_open(const CgroupTree *t, const CgroupSample *s, int flags) {
        struct stat st;

        _cleanup_close_ int fd = openat(t->fd, s->path[1] ? s->path + 1 : ".", flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return fstat(fd, &st) == 0 && (uint64_t)st.st_ino == s->id ? TAKE_FD(fd) : -ENOENT;
}

static void node_expand(Walk *w, uint32_t i) {
        if (!w->nodes[i].may_have_children)
                return;
        _cleanup_close_ int fd = cgroup_tree_open(w->t, &w->samples[i], O_RDONLY);
        if (fd < 0)
                return; /* gone, or another one by now: the next walk sees it */
        int r = children_add(w, i, fd);
        if (r < 0 && !read_is_gone(r))
                complaint_raise_file(w->t->complaints, COMPLAINT_CGROUP_WALK, w->samples[i].path, "", r);
}

static int root_start(Walk *w) {
        struct stat st;
        bool is_known;

        if (fstat(w->t->fd, &st) < 0)
                return -errno;
        PathEntry *path = path_store_intern(&w->t->paths, "/", 1);
        if (!path)
                return -ENOBUFS;
        uint32_t i = node_start(w, path, &st, INDEX_NONE, &is_known);
        w->nodes[i].may_have_children = true;
        node_read_whole(w, i, w->t->fd);
        node_mark_new(w, i);
        return 0;
}

/* memory may be listed at the root and yet be handed to nobody. */
static bool memory_is_there(const CgroupTree *t, const Walk *w) {
        for (uint32_t i = 0; i < w->n; i++)
                if (cgroup_has(&w->samples[i], CGROUP_CURRENT))
                        return true;
        return w->n == 1 && lists_memory(t, "cgroup.subtree_control");
}

/**
 * cgroup_tree_walk() - look at all cgroups
 * @m:            asked for the policy of cgroups that it was not asked for yet
 * @is_discovery: read limits and marks of all; else only of those that are new, and memory.current and
 *                memory.swap.current of the others, unless they are monitored: of these monitored_read() has it
 *
 * Cgroups that vanish meanwhile are left out. The samples of the walk before are gone afterwards.
 *
 * Return: 0, also without cgroup2 (no cgroups at all); negative errno only where the root itself cannot
 *         be looked at.
 */
int cgroup_tree_walk(CgroupTree *t, const SenseMatchers *m, bool is_discovery) {
        unsigned next = 1 - t->live;

        if (t->fd < 0) {
                t->n[t->live] = 0;
                return 0;
        }
        t->walk++;
        if (is_discovery) {
                t->discovery++;
                t->has_memory = lists_memory(t, "cgroup.controllers");
        }
        Walk w = { .t = t,
                   .m = m,
                   .is_discovery = is_discovery,
                   .samples = t->samples[next].data,
                   .nodes = t->nodes[next].data,
                   .old_samples = t->samples[t->live].data,
                   .old_nodes = t->nodes[t->live].data };
        int r = root_start(&w);
        for (uint32_t i = 0; i < w.n; i++)
                node_expand(&w, i);
        if (is_discovery && t->has_memory)
                t->has_memory = memory_is_there(t, &w);
        t->n[next] = w.n;
        t->live = next;
        return r;
}

/* Marks the daemon's cgroup and all above it: whoever kills one of them as a whole kills the daemon. */
void cgroup_tree_mark_self(CgroupTree *t, const PathEntry *path) {
        CgroupSample *samples = cgroup_tree_samples(t);

        for (uint32_t i = path ? cgroup_tree_index(t, path) : INDEX_NONE; i != INDEX_NONE; i = samples[i].parent)
                samples[i].marks |= CGROUP_MARK_SELF;
}

const char *cgroup_tree_relative(const CgroupTree *t, const char *path, size_t *len) {
        size_t n = strlen(t->mount_root);

        if (n == 0 || *len < n || memcmp(path, t->mount_root, n) != 0 || (*len > n && path[n] != '/'))
                return path;
        if (*len == n) {
                *len = 1;
                return "/";
        }
        *len -= n;
        return path + n;
}

uint32_t cgroup_tree_index(const CgroupTree *t, const PathEntry *path) {
        return path && path->walk > 0 && path->walk == t->walk ? path->node : INDEX_NONE;
}

uint64_t cgroup_tree_id_now(const CgroupTree *t, const char *path) {
        struct stat st;

        /* "/..": outside of our cgroup namespace */
        if (t->fd < 0 || path[0] != '/' || text_has_prefix(path, "/..") ||
            fstatat(t->fd, path[1] ? path + 1 : ".", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
                return 0;
        return (uint64_t)st.st_ino;
}
