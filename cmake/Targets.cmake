# What all of ringport's own targets share.

# Warnings are errors in our own builds; in somebody else's, with a compiler unknown to us, that is for them to say.
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_COMPILE_WARNING_AS_ERROR)
    set(CMAKE_COMPILE_WARNING_AS_ERROR ON)
endif()

function(ringport_set_compile_options target)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    if(MSVC)
        target_compile_options(${target} PRIVATE /W4 /experimental:c11atomics) # not tried: see docs/windows.md
    else()
        target_compile_options(${target} PRIVATE
            -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef)
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
