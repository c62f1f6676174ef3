"""Recording of a program's system calls by strace.

The kernel is asked, not the C library: so the calls of each library are seen, whatever it is written in. Only the calls
that change or sync files are stopped at.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST_WRITE_BYTES = 2**24
TRACED = (
    "open,openat,creat,close,write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,ftruncate,truncate,"
    "fallocate,lseek,fsync,fdatasync,sync,syncfs,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,"
    "unlinkat,mkdir,mkdirat,rmdir,dup,dup2,dup3,clone,clone3,fork,vfork,chdir,fchdir,mmap,io_uring_setup"
)

_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|\?|0x[0-9a-f]+)")
_UNFINISHED = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+|\?|0x[0-9a-f]+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


@dataclass(frozen=True)
class Call:
    """A call's beginning (`result` None) or its end. A call that nothing interrupts has an end alone."""

    thread: int
    name: str
    arguments: str
    result: int | None

    def strings(self) -> list[bytes]:
        """Return the texts among the arguments. Raises ValueError for one that is not whole in the record."""
        texts = _STRING.findall(self.arguments)
        if any(rest for _, rest in texts):
            raise ValueError(f"{self.name} wrote more at once than the record holds")
        return [bytes.fromhex(text.replace("\\x", "")) for text, _ in texts]

    def numbers(self) -> list[str]:
        """Return the arguments apart from texts, as they are printed."""
        return [part for part in _STRING.sub('""', self.arguments).split(", ") if part != '""']


def explain_missing_recorder() -> str:
    """Return why programs cannot be recorded here; empty when they can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt-get install -y strace)"
    done = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace may not trace programs here: {done.stderr.strip()}" if done.returncode else ""


def record_calls(command: Sequence[str], environment: Mapping[str, str], folder: Path, record: Path) -> int:
    """Run a command in a folder, write its calls to the file `record`, and return its exit code."""
    options = ["-f", "--seccomp-bpf", "-xx", "-s", str(LONGEST_WRITE_BYTES), "-o", str(record)]
    traced = ["-e", f"trace={TRACED}", "-e", "signal=none"]
    done = subprocess.run(
        ["strace", *options, *traced, *command], env=dict(environment), cwd=folder, capture_output=True, check=False
    )
    return done.returncode


def read_calls(record: Path) -> Iterator[Call]:
    """Yield the calls of a record in the order in which they ended, and the beginnings of those that others overlap."""
    unfinished: dict[int, str] = {}
    with record.open() as lines:
        for line in lines:
            if match := _WHOLE.match(line):
                thread, name, arguments, result = match.groups()
            elif match := _UNFINISHED.match(line):
                thread, name, arguments = match.groups()
                unfinished[int(thread)] = arguments
                yield Call(int(thread), name, arguments, None)
                continue
            elif match := _RESUMED.match(line):
                thread, name, rest, result = match.groups()
                arguments = unfinished.pop(int(thread)) + rest
            else:
                continue
            if result != "?":
                yield Call(int(thread), name, arguments, int(result, 0))
