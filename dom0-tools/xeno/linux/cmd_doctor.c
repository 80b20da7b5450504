/* SPDX-License-Identifier: MIT */
/*
 * xeno doctor: what a control domain needs, looked at one by one, each with what to do if it is not there. It opens nothing through
 * the library: it has to work where that does not. Status 1 if something is wrong. --fix mends what it can without anybody's advice:
 * what the store has of domains that have gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <xen/version.h>

#include "libxeno/linux/link.h"
#include "libxeno/linux/network.h"
#include "xeno/linux/doctor.h"

#define LOW_MIB 16u

struct report {
    struct cli *c;
    bool json, mend;
    unsigned int rows, bad;
};

/* One finding; fix: NULL if all is well. */
static void finding(struct report *r, const char *what, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void finding(struct report *r, const char *what, const char *fix, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    r->bad += fix != NULL;
    if (!r->json) {
        cli_print(r->c, "%-4s %-12s %s%s%s\n", fix ? "BAD" : "ok", what, text, fix ? ": " : "",
                  fix ? fix : "");
        return;
    }
    cli_print(r->c, "%s    {\"what\": \"%s\", \"ok\": %s, \"found\": ", r->rows++ ? ",\n" : "",
              what, fix ? "false" : "true");
    cli_json_string(r->c, text);
    if (fix) {
        cli_print(r->c, ", \"fix\": ");
        cli_json_string(r->c, fix);
    }
    cli_print(r->c, "}");
}

static bool read_line(const char *path, char *line, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, size - 1) : -1;

    if (fd >= 0) {
        close(fd);
    }
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return n > 0;
}

static bool check_kernel(struct report *r)
{
    char line[64];
    bool xen = read_line("/sys/hypervisor/type", line, sizeof(line)) && strcmp(line, "xen") == 0;

    finding(r, "hypervisor", xen ? NULL : "choose the hypervisor's entry in the boot menu", "%s",
            xen ? "this kernel runs on one" : "this kernel runs on none");
    if (!xen) {
        return false;
    }
    if (!read_line("/proc/xen/capabilities", line, sizeof(line))) {
        finding(r, "xenfs", "mount -t xenfs xenfs /proc/xen", "not mounted");
    } else {
        bool control = strstr(line, "control_d") != NULL;

        finding(r, "privilege", control ? NULL : "run xeno in the control domain", "%s",
                control ? "this is the control domain" : "this domain is not the control domain");
    }
    return true;
}

static void check_device(struct report *r, const char *device, const char *module)
{
    char path[64], fix[64];
    bool there;

    snprintf(path, sizeof(path), "/dev/xen/%s", device);
    there = access(path, F_OK) == 0;
    snprintf(fix, sizeof(fix), "modprobe %s", module);
    finding(r, device, there ? NULL : fix, "%s %s", path, there ? "is there" : "is missing");
}

static void check_hypervisor(struct report *r, struct xeno *x)
{
    struct xen_sysctl_physinfo phys;
    long v = xeno_version(x, XENVER_version, NULL), rc = xeno_physinfo(x, &phys);
    uint64_t free_mib = rc ? 0 : (uint64_t)phys.free_pages >> 8;

    if (rc) {
        finding(r, "control", "use tools and hypervisor of one version",
                "the hypervisor (%ld.%ld) does not answer: %s", v >> 16, v & 0xffff,
                xeno_errno_text(rc));
        return;
    }
    finding(r, "control", NULL, "the hypervisor (%ld.%ld) answers, %u CPUs", v >> 16, v & 0xffff,
            phys.nr_cpus);
    finding(r, "memory",
            free_mib < LOW_MIB
                ? "destroy a domain, or 'xeno mem-set 0 MIB' to make this one smaller"
                : NULL,
            "%lu of %lu MiB are free", free_mib, (uint64_t)phys.total_pages >> 8);
}

static void check_stale(struct report *r, struct xeno *x, struct xeno_store *s)
{
    struct stale found;
    int rc = stale_find(x, s, &found);

    if (rc) {
        finding(r, "store", "look into xenostored", "%s", store_error_text(rc));
    } else if (found.nr && r->mend) {
        stale_remove(s, &found);
        finding(r, "store", NULL, "%u folders of domains that had gone are taken out", found.nr);
    } else if (found.nr) {
        finding(r, "store", "xeno doctor --fix takes them out",
                "%u folders of domains that have gone, among them %s", found.nr, found.path[0]);
    } else {
        finding(r, "store", NULL, "has no folder of a domain that has gone");
    }
}

/* x: NULL where the hypervisor cannot be asked. */
static void check_daemons(struct report *r, struct xeno *x)
{
    struct xeno_store s;
    char reply[64];
    int rc = store_open(&s);

    if (rc == 0) {
        rc = (int)store_read(&s, "/", reply, sizeof(reply));
        rc = rc > 0 ? 0 : rc;
    }
    finding(r, "xenostored", rc ? "start it (again)" : NULL, "%s",
            rc ? store_error_text(rc) : "answers");
    if (rc == 0 && x) {
        check_stale(r, x, &s);
    }
    store_close(&s);
    rc = console_request("ping\n", reply, sizeof(reply), NULL);
    finding(r, "xenoconsoled",
            rc ? "start it (again): without it nobody keeps what domains say or acts when they end"
               : NULL,
            "%s",
            rc == -EPROTO ? reply
            : rc          ? store_error_text(rc)
                          : "answers");
}

/* A bridge is not everybody's way: none is worth a word, not a fault. */
static void check_network(struct report *r)
{
    DIR *folder = opendir("/sys/class/net");
    const struct dirent *e;
    char bridges[160] = "";
    bool driver = access(NETBACK, F_OK) == 0;

    while (folder && (e = readdir(folder)) != NULL) {
        size_t n = strlen(bridges);

        if (link_is_bridge(e->d_name)) {
            snprintf(bridges + n, sizeof(bridges) - n, " %.15s", e->d_name);
        }
    }
    if (folder) {
        closedir(folder);
    }
    finding(r, "network", driver ? NULL : "modprobe xen-netback", "%s; bridges:%s",
            driver ? "xen-netback is there" : "no domain can have an interface",
            *bridges ? bridges : " none ('ip link add xenbr0 type bridge' makes one)");
}

static void check_unpacker(struct report *r)
{
    char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash) {
        strcpy(slash, "/xeno-unpack");
    }
    finding(r, "xeno-unpack",
            access(path, X_OK)
                ? "install it beside xeno: without it only plain ELF kernels can be built"
                : NULL,
            "%s", path);
}

static void check_logs(struct report *r)
{
    struct statvfs v;
    bool there = statvfs("/var/log", &v) == 0;
    bool measured = there && v.f_blocks; /* a RAM disk of the kernel's has no size of its own */
    uint64_t mib = measured ? (uint64_t)v.f_bavail * v.f_frsize >> 20 : 0;

    if (!measured) {
        finding(r, "logs", NULL, "/var/log is memory's size");
        return;
    }
    finding(r, "logs", mib < LOW_MIB ? "make room in /var/log" : NULL,
            "%lu MiB of room in /var/log", mib);
}

int cmd_doctor(struct cli *c, int argc, char **argv, const char *open_error)
{
    struct report r = {
        .c = c, .json = cli_flag(&argc, argv, "--json"), .mend = cli_flag(&argc, argv, "--fix")};

    if (argc != 1) {
        return cli_error(c, "doctor", "usage: xeno doctor [--json] [--fix]"), 2;
    }
    if (r.json) {
        cli_print(c, "[\n");
    }
    if (check_kernel(&r)) {
        check_device(&r, "privcmd", "xen-privcmd");
        check_device(&r, "hypercall", "xen-privcmd");
        check_device(&r, "evtchn", "xen-evtchn");
        check_device(&r, "gntdev", "xen-gntdev");
        check_network(&r);
        if (open_error) {
            finding(&r, "tools", "see above", "%s", open_error);
        } else {
            check_hypervisor(&r, &c->m->x);
        }
        check_daemons(&r, open_error ? NULL : &c->m->x);
    }
    check_unpacker(&r);
    check_logs(&r);
    if (r.json) {
        cli_print(c, "\n]\n");
    }
    return r.bad ? 1 : 0;
}

int cmd_doctor_verb(struct cli *c, int argc, char **argv)
{
    return cmd_doctor(c, argc, argv, NULL);
}
