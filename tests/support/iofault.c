/* Preloaded before libc: makes the n-th write or fsync of a file fail, and all after it. The environment says which:
   IOFAULT_CALL is write or fsync, IOFAULT_PATH a part of the path, IOFAULT_NTH counts from 1, IOFAULT_ERRNO the error.
   With IOFAULT_WHILE, nothing fails but while there is a file of that name. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int count;

static int fails(const char *call, int fd) {
    const char *wanted = getenv("IOFAULT_CALL"), *part = getenv("IOFAULT_PATH"), *nth = getenv("IOFAULT_NTH");
    if (!wanted || !part || !nth || strcmp(wanted, call)) return 0;
    const char *flag = getenv("IOFAULT_WHILE");
    if (flag && access(flag, F_OK)) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, part) || __sync_add_and_fetch(&count, 1) < atoi(nth)) return 0;
    errno = atoi(getenv("IOFAULT_ERRNO"));
    return 1;
}

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

ssize_t write(int fd, const void *data, size_t size) {
    return fails("write", fd) ? -1 : REAL(ssize_t (*)(int, const void *, size_t), "write")(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return fails("write", fd) ? -1 : REAL(ssize_t (*)(int, const void *, size_t, off_t), "pwrite")(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    return fails("write", fd) ? -1 : REAL(ssize_t (*)(int, const void *, size_t, off64_t), "pwrite64")(fd, data, size, at);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return fails("write", fd) ? -1 : REAL(ssize_t (*)(int, const struct iovec *, int, off_t), "pwritev")(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    return fails("write", fd) ? -1 : REAL(ssize_t (*)(int, const struct iovec *, int, off64_t), "pwritev64")(fd, parts, count, at);
}
int posix_fallocate(int fd, off_t at, off_t size) {
    return fails("write", fd) ? errno : REAL(int (*)(int, off_t, off_t), "posix_fallocate")(fd, at, size);
}
int fsync(int fd) { return fails("fsync", fd) ? -1 : REAL(int (*)(int), "fsync")(fd); }
int fdatasync(int fd) { return fails("fsync", fd) ? -1 : REAL(int (*)(int), "fdatasync")(fd); }
