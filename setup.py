"""Builds libotlite.a into the core extension, and the sibling extensions against its header."""

import os
import shutil
import sys
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup

SANITIZE = os.environ.get("OTLP_LITE_SANITIZE", "")  # "address,undefined"
COMPILE = ["-std=c11", "-O3", "-fvisibility=hidden"]
LINK = ["-lrt"] if sys.platform == "linux" else []  # glibc before 2.34 has its timers there
if not any(flag.startswith("-g") for flag in os.environ.get("CFLAGS", "").split()):
    COMPILE.append("-g0")  # CPython's own flags have -g: a third of the time that it takes to build
if SANITIZE:
    COMPILE += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g", "-O1"]
    LINK += [f"-fsanitize={SANITIZE}"]


# A new span is cleared: GCC's own code for it (`rep stos`) takes 10 ns longer to begin than libc's function.
SPAN = "-fno-builtin-memset"


def room(name: str, sources: list[str], *flags: str) -> Extension:
    return Extension(
        f"otlp_lite._native.{name}",
        [f"src/otlp_lite/_native/{name}.pyx", *sources],
        include_dirs=["csrc", "src/otlp_lite/_native"],
        depends=glob("csrc/**/*.h", recursive=True) + glob("src/otlp_lite/_native/*.h"),
        extra_compile_args=[*COMPILE, *flags],
        extra_link_args=LINK,
    )


for stub in glob("stubs/otlp_lite/_native/*.pyi"):  # beside the extensions, where type checkers look for them
    shutil.copy(stub, "src/otlp_lite/_native")

core = sorted(path for path in glob("csrc/**/*.c", recursive=True) if not path.startswith("csrc/example"))
setup(
    ext_modules=cythonize(
        [
            room("core", core),
            room("value", []),
            room("span", [], SPAN),
            room("trace", []),
            room("builder", []),
        ],
        include_path=["src"],
        build_dir="build/cython",
        compiler_directives={
            "language_level": 3,
            "binding": False,
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
        },
    )
)
