/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fails when told to: preloaded before the C library, it counts the writes and syncs below a folder and fails some.
 *
 *   faulty_disk_arm(folder, first, last, number)   calls first..last (from 1) fail with errno = number; counts from 0 again
 *   faulty_disk_calls()                            calls counted since; 0 calls are failed once first is 0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char watched[PATH_MAX];
static atomic_long calls, first_call, last_call;
static atomic_int failure;

void faulty_disk_arm(const char *folder, long first, long last, int number)
{
    strncpy(watched, folder, sizeof watched - 1);
    failure = number;
    last_call = last;
    first_call = first;
    calls = 0;
}

long faulty_disk_calls(void) { return calls; }

static int fails(int file)
{
    char link[64], path[PATH_MAX];
    int before = errno;
    if (!watched[0])
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    if (strncmp(path, watched, strlen(watched)) != 0)
        return 0;
    long number = ++calls;
    if (!first_call || number < first_call || number > last_call)
        return 0;
    errno = failure;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t size) { return fails(file) ? -1 : REAL(write)(file, bytes, size); }
ssize_t writev(int file, const struct iovec *parts, int count) { return fails(file) ? -1 : REAL(writev)(file, parts, count); }
ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) { return fails(file) ? -1 : REAL(pwrite)(file, bytes, size, at); }
ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) { return fails(file) ? -1 : REAL(pwrite64)(file, bytes, size, at); }
int fsync(int file) { return fails(file) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return fails(file) ? -1 : REAL(fdatasync)(file); }
int ftruncate(int file, off_t size) { return fails(file) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off64_t size) { return fails(file) ? -1 : REAL(ftruncate64)(file, size); }
