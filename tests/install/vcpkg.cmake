# Runs the port's portfile with stand-ins for vcpkg's functions, which do what vcpkg's do to the files, and with the
# libraries that BUILD has; run by vcpkg, this directory's script.
cmake_minimum_required(VERSION 3.25)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH tests)
cmake_path(GET tests PARENT_PATH source)
set(CURRENT_PORT_DIR "${source}/ports/ringport")
set(CURRENT_PACKAGES_DIR "${WORK}/packages")

function(vcpkg_check_linkage)
endfunction()

# Not built a second time: what is installed are the other build's libraries.
function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 given "" SOURCE_PATH OPTIONS)
    execute_process(COMMAND "${CMAKE_COMMAND}" -G Ninja -S "${given_SOURCE_PATH}" -B "${WORK}/tree"
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} -DCMAKE_INSTALL_LIBDIR=lib
        ${given_OPTIONS} OUTPUT_QUIET ERROR_VARIABLE warnings COMMAND_ERROR_IS_FATAL ANY)
    if(warnings MATCHES "not used by the project")
        message(FATAL_ERROR "${warnings}")
    endif()
endfunction()

function(vcpkg_cmake_install)
    execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}/tree" --target ringport_manual
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    file(COPY "${BUILD}/src/libringport.a" "${BUILD}/src/libringport_sim.a" DESTINATION "${WORK}/tree/src")
    execute_process(COMMAND "${CMAKE_COMMAND}" --install "${WORK}/tree" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# To share/ringport, two levels below the prefix, as which the generated files have to name it.
function(vcpkg_cmake_config_fixup)
    cmake_parse_arguments(PARSE_ARGV 0 given "" CONFIG_PATH "")
    set(share "${CURRENT_PACKAGES_DIR}/share/ringport")
    file(GLOB files "${CURRENT_PACKAGES_DIR}/${given_CONFIG_PATH}/*")
    file(COPY ${files} DESTINATION "${share}")
    cmake_path(GET given_CONFIG_PATH PARENT_PATH parent)
    file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/${parent}")
    file(GLOB files "${share}/*.cmake")
    foreach(file IN LISTS files)
        file(READ "${file}" text)
        set(up "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\n")
        string(REPLACE "${up}${up}${up}" "${up}${up}" text "${text}")
        file(WRITE "${file}" "${text}")
    endforeach()
endfunction()

function(vcpkg_replace_string file match with)
    file(READ "${file}" text)
    string(REPLACE "${match}" "${with}" changed "${text}")
    if(changed STREQUAL text)
        message(FATAL_ERROR "${file} does not have ${match}")
    endif()
    file(WRITE "${file}" "${changed}")
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 given "" COMMENT FILE_LIST)
    file(WRITE "${CURRENT_PACKAGES_DIR}/share/ringport/copyright" "${given_COMMENT}\n")
    foreach(file IN LISTS given_FILE_LIST)
        file(READ "${file}" text)
        file(APPEND "${CURRENT_PACKAGES_DIR}/share/ringport/copyright" "${text}")
    endforeach()
endfunction()

include("${CURRENT_PORT_DIR}/portfile.cmake")
