# Installs the library, the simulator, their headers, and what find_package(ringport) and pkg-config --static ringport
# (or ringport-sim) need.
#
# ringport is a static library, so whoever links it needs its dependencies too. With RINGPORT_BUNDLE_DEPS they are
# installed beside it, in lib/ringport, and the installed tree stands alone and may be moved.

set(bundle_default OFF)
if(RINGPORT_DEPS STREQUAL "pinned")
    set(bundle_default ON)
endif()
option(RINGPORT_BUNDLE_DEPS "Install the dependencies' static libraries with ringport" ${bundle_default})

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ringport")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/ringport" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(TARGETS ringport ringport_sim EXPORT ringport ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT ringport DESTINATION "${package_dir}" FILE ringportTargets.cmake NAMESPACE ringport::)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/ringport")

set(RINGPORT_PACKAGE_DEPENDENCIES)
set(RINGPORT_PC_SIM_LIBS "")
set(archives "") # in the order in which they are linked
list(TRANSFORM ringport_system_libraries PREPEND "-l" OUTPUT_VARIABLE RINGPORT_PC_LIBS)
list(JOIN RINGPORT_PC_LIBS " " RINGPORT_PC_LIBS)
string(APPEND RINGPORT_PC_LIBS " -pthread")
foreach(name IN LISTS ringport_dependencies ringport_sim_dependencies)
    get_target_property(location ringport_${name} IMPORTED_LOCATION)
    cmake_path(GET location FILENAME file)
    if(RINGPORT_BUNDLE_DEPS)
        install(FILES "${location}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/ringport")
        set(location "\${CMAKE_CURRENT_LIST_DIR}/../../ringport/${file}")
        set(archive "\${libdir}/ringport/${file}")
    else()
        set(archive "${location}")
    endif()
    if(name IN_LIST ringport_dependencies)
        string(APPEND archives "${archive} ")
    else()
        string(APPEND RINGPORT_PC_SIM_LIBS "${archive} ")
    endif()
    string(APPEND RINGPORT_PACKAGE_DEPENDENCIES "ringport_add_dependency(${name} \"${location}\")\n")
endforeach()
string(PREPEND RINGPORT_PC_LIBS "${archives}")
if(RINGPORT_BUNDLE_DEPS AND RINGPORT_DEPS STREQUAL "pinned")
    install(DIRECTORY "${ringport_deps_prefix}/share/licenses/" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/ringport"
        PATTERN cmocka EXCLUDE) # which the tests link, and nothing else
    execute_process(
        COMMAND "${PROJECT_SOURCE_DIR}/scripts/sbom" "${PROJECT_VERSION}" "${ringport_deps_prefix}"
        OUTPUT_FILE "${PROJECT_BINARY_DIR}/ringport.spdx.json"
        COMMAND_ERROR_IS_FATAL ANY)
    install(FILES "${PROJECT_BINARY_DIR}/ringport.spdx.json" DESTINATION "${CMAKE_INSTALL_DATADIR}/ringport")
endif()

# Manual pages and completions. They are made by a script of the shell's.
if(PROJECT_IS_TOP_LEVEL AND (UNIX OR CMAKE_CROSSCOMPILING))
    set(manual "${PROJECT_BINARY_DIR}/manual")
    file(GLOB public_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/ringport/*.h")
    add_custom_command(OUTPUT "${manual}/made"
        COMMAND "${PROJECT_SOURCE_DIR}/scripts/manual" "${PROJECT_VERSION}" "${manual}"
        COMMAND "${CMAKE_COMMAND}" -E touch "${manual}/made"
        DEPENDS "${PROJECT_SOURCE_DIR}/scripts/manual" "${PROJECT_SOURCE_DIR}/docs/cli.md" ${public_headers}
        VERBATIM)
    add_custom_target(ringport_manual ALL DEPENDS "${manual}/made")
    install(DIRECTORY "${manual}/man3" DESTINATION "${CMAKE_INSTALL_MANDIR}" COMPONENT development)
    if(RINGPORT_BUILD_TOOLS)
        install(DIRECTORY "${manual}/man1" DESTINATION "${CMAKE_INSTALL_MANDIR}" COMPONENT tool)
        install(FILES "${PROJECT_SOURCE_DIR}/tools/completion/ringport.bash" RENAME ringport
            DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT tool)
        install(FILES "${PROJECT_SOURCE_DIR}/tools/completion/_ringport"
            DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" COMPONENT tool)
    endif()
endif()

include(CMakePackageConfigHelpers)
configure_file("${CMAKE_CURRENT_LIST_DIR}/ringportConfig.cmake.in" "${PROJECT_BINARY_DIR}/ringportConfig.cmake" @ONLY)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ringportConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ringportConfig.cmake" "${PROJECT_BINARY_DIR}/ringportConfigVersion.cmake"
    DESTINATION "${package_dir}")

# The .pc file finds its prefix by its own place.
file(RELATIVE_PATH RINGPORT_PC_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" RINGPORT_PC_PREFIX "${RINGPORT_PC_PREFIX}")
foreach(name IN ITEMS ringport ringport-sim)
    configure_file("${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
