#!/usr/bin/env python3
"""Reads files that were never read before, with several processes at once, each in a different way.

    cold.py READERS FILE...

All readers open a file at the same time. Some stat it first; the others read, sendfile, splice or map
it first. Each must get every byte. Prints how many files were read; errors go to stderr, and
the exit status is then 1.
"""
import hashlib
import mmap
import multiprocessing
import os
import sys

PIECE = 65536  # the capacity of a pipe


def by_read(file):
    parts = []
    while part := os.read(file, PIECE):
        parts.append(part)
    return b"".join(parts)


def through_pipe(file, move):
    parts = []
    reader, writer = os.pipe()
    while count := move(file, writer):
        while count > 0:
            parts.append(os.read(reader, count))
            count -= len(parts[-1])
    os.close(reader)
    os.close(writer)
    return b"".join(parts)


def by_sendfile(file):
    return through_pipe(file, lambda source, target: os.sendfile(target, source, None, PIECE))


def by_splice(file):
    return through_pipe(file, lambda source, target: os.splice(source, target, PIECE))


def by_stat_and_read(file):
    size = os.fstat(file).st_size
    data = by_read(file)
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes, but stat says {size}")
    return data


def by_mmap(file):
    with mmap.mmap(file, 0, prot=mmap.PROT_READ) as mapped:
        return mapped[:]


WAYS = [by_sendfile, by_read, by_splice, by_stat_and_read, by_sendfile, by_mmap]


def run(number, files, start, sums):
    for index, path in enumerate(files):
        way = WAYS[(number + index) % len(WAYS)]
        start.wait()
        file = os.open(path, os.O_RDONLY)
        try:
            data = way(file)
            size = os.fstat(file).st_size
            if len(data) != size or b"\0" in data or not data.endswith(b"\n"):
                raise ValueError(f"{len(data)} of {size} bytes, {data.count(0)} of them NUL")
            sums.put((index, hashlib.sha256(data).digest()))
        except (OSError, ValueError) as error:
            sums.put((index, f"{path}: {way.__name__}: {error}"))
        finally:
            os.close(file)


def main():
    readers, files = int(sys.argv[1]), sys.argv[2:]
    start, sums = multiprocessing.Barrier(readers), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=run, args=(number, files, start, sums), daemon=True)
               for number in range(readers)]
    for worker in workers:
        worker.start()
    seen, wrong = {}, 0
    for _ in range(readers * len(files)):
        index, got = sums.get()
        if isinstance(got, str) or seen.setdefault(index, got) != got:
            wrong += 1
            print(got if isinstance(got, str) else f"{files[index]}: two readers differ",
                  file=sys.stderr)
    print(len(seen))
    return 1 if wrong or len(seen) != len(files) else 0


if __name__ == "__main__":
    sys.exit(main())
