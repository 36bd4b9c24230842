# An overlay port, of the source tree that it lies in:
#
#   vcpkg install ringport --overlay-ports=RINGPORT/ports
#
# The libraries below are those that scripts/deps builds, and lie in lib/ringport, apart from vcpkg's own: its wolfSSL has
# neither what ringport needs switched on nor the patches (docs/windows.md). So it needs Debian.
vcpkg_check_linkage(ONLY_STATIC_LIBRARY)
set(VCPKG_BUILD_TYPE release) # a C library: one build serves both configurations
cmake_path(GET CURRENT_PORT_DIR PARENT_PATH SOURCE_PATH)
cmake_path(GET SOURCE_PATH PARENT_PATH SOURCE_PATH)

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DRINGPORT_DEPS=pinned
        -DRINGPORT_BUILD_TESTS=OFF
        -DRINGPORT_BUILD_TOOLS=OFF
        -DRINGPORT_BUILD_EXAMPLES=OFF
        -DRINGPORT_BUILD_BENCH=OFF
        -DCMAKE_COMPILE_WARNING_AS_ERROR=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/ringport)
# Seen from share/ringport, where vcpkg wants the file.
vcpkg_replace_string("${CURRENT_PACKAGES_DIR}/share/ringport/ringportConfig.cmake"
    "/../../ringport/" "/../../lib/ringport/")
vcpkg_fixup_pkgconfig()
file(GLOB licences "${CURRENT_PACKAGES_DIR}/share/licenses/ringport/*")
vcpkg_install_copyright(FILE_LIST ${licences}
    COMMENT "ringport is under the MIT licence, wolfSSL, which is in it, under the GNU GPL.")
