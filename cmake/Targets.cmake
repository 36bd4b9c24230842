# What all of ringport's own targets share.

# Warnings are errors in our own builds; in somebody else's, with a compiler unknown to us, that is for them to say.
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_COMPILE_WARNING_AS_ERROR)
    set(CMAKE_COMPILE_WARNING_AS_ERROR ON)
endif()

# The usual hardening. All of it is private to ringport's own targets: whoever links the library decides for himself.
# tests/hardening reads it from what was built. scripts/deps builds the dependencies likewise.
set(ringport_hardening)
set(ringport_program_hardening)
if(MINGW)
    # Its stack protector and _FORTIFY_SOURCE are in libssp, which the library's users would have to link.
    set(ringport_program_hardening -Wl,--dynamicbase,--nxcompat,--high-entropy-va)
elseif(NOT MSVC)
    set(ringport_hardening -fstack-protector-strong)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        list(APPEND ringport_hardening -fstack-clash-protection -fcf-protection)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
        list(APPEND ringport_hardening -fstack-clash-protection -mbranch-protection=standard)
    endif()
    # Works with optimisation only, and hides calls from the sanitizers. A level that the builder chose stands.
    if(NOT CMAKE_C_FLAGS MATCHES "-fsanitize|_FORTIFY_SOURCE")
        list(APPEND ringport_hardening $<$<NOT:$<CONFIG:Debug,>>:-U_FORTIFY_SOURCE>
            $<$<NOT:$<CONFIG:Debug,>>:-D_FORTIFY_SOURCE=2>)
    endif()
    if(NOT CMAKE_POSITION_INDEPENDENT_CODE) # where it is on, for a shared library, CMake passes -fPIC
        list(APPEND ringport_hardening -fPIE)
    endif()
    set(ringport_program_hardening -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# GCC zeroes what is larger than a few words by "rep stosq", which takes the processor twenty cycles to begin. A request
# has a handful of such structures.
set(ringport_tuning)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(ringport_tuning -mmemset-strategy=unrolled_loop:64:noalign,libcall:-1:noalign)
endif()

function(ringport_set_compile_options target)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    if(MSVC)
        target_compile_options(${target} PRIVATE /W4 /experimental:c11atomics) # not tried: see docs/windows.md
    else()
        target_compile_options(${target} PRIVATE
            -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef)
    endif()
    target_compile_options(${target} PRIVATE ${ringport_hardening} ${ringport_tuning})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
        target_link_options(${target} PRIVATE ${ringport_program_hardening})
    endif()
    if(WIN32)
        target_compile_definitions(${target} PRIVATE _WIN32_WINNT=0x0A00 WIN32_LEAN_AND_MEAN NOMINMAX) # Windows 10
    endif()
    if(MINGW)
        # printf as C11 has it (%zu), which Microsoft's old C library has not.
        target_compile_definitions(${target} PRIVATE __USE_MINGW_ANSI_STDIO=1 RP_PRINTF_STYLE=gnu_printf)
    endif()
endfunction()

# Each .c file of a directory is a program of its own.
function(ringport_add_programs directory)
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${directory}/*.c")
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM name)
        set(target ${directory}_${name})
        add_executable(${target} "${source}")
        ringport_set_compile_options(${target})
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
        target_link_libraries(${target} PRIVATE ringport)
        set_target_properties(${target} PROPERTIES
            OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${directory}")
    endforeach()
endfunction()
