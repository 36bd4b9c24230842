# Programs for Linux with musl, by Debian's musl-gcc: static, so that they need nothing but the kernel.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(RINGPORT_DEPS_TARGET x86_64-linux-musl)
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_C_FLAGS_INIT -Wno-sign-conversion) # its FD_SET
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
