# The libraries that ringport stands on, as the imported targets ringport_wolfssl, ringport_liburing (Linux),
# ringport_cares, ringport_llhttp, those of content codings and, for the simulator and the tests, ringport_nghttp2 and
# ringport_cmocka. Their headers are system headers.
#
# RINGPORT_DEPS=pinned   scripts/deps builds them, once, outside the source tree (Debian 12 or later; a toolchain file
#                        of cmake/ says for which other target in RINGPORT_DEPS_TARGET)
# RINGPORT_DEPS=system   they are looked for in CMAKE_PREFIX_PATH and the system's own places

set(default_deps pinned)
set(ringport_dependencies wolfssl cares llhttp)
set(ringport_sim_dependencies nghttp2)
set(ringport_system_libraries m)
set(deps_arguments)
if(RINGPORT_DEPS_TARGET)
    set(deps_arguments --target ${RINGPORT_DEPS_TARGET})
endif()
if(WIN32)
    set(ringport_system_libraries advapi32 bcrypt crypt32 iphlpapi ws2_32)
    if(NOT CMAKE_CROSSCOMPILING)
        set(default_deps system)
    endif()
else()
    list(APPEND ringport_dependencies liburing)
endif()

set(RINGPORT_DEPS ${default_deps} CACHE STRING "Where the dependencies come from: pinned or system")
set_property(CACHE RINGPORT_DEPS PROPERTY STRINGS pinned system)

# Content codings (decompress in http.h): what is switched off is not asked for, and is an error when a server sends it.
set(ringport_codecs)
foreach(codec IN ITEMS ZLIB BROTLI ZSTD)
    option(RINGPORT_${codec} "Decode what ${codec} has encoded" ON)
    if(RINGPORT_${codec})
        list(APPEND ringport_codecs ${codec})
    else()
        message(STATUS "Built without ${codec}: answers in its content coding can't be decoded")
    endif()
endforeach()

set(ringport_find_options)
if(RINGPORT_DEPS STREQUAL "pinned")
    execute_process(
        COMMAND "${PROJECT_SOURCE_DIR}/scripts/deps" ${deps_arguments}
        OUTPUT_VARIABLE ringport_deps_prefix
        OUTPUT_STRIP_TRAILING_WHITESPACE
        COMMAND_ERROR_IS_FATAL ANY)
    set(ringport_find_options PATHS "${ringport_deps_prefix}" NO_DEFAULT_PATH)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
        "${PROJECT_SOURCE_DIR}/scripts/deps" "${PROJECT_SOURCE_DIR}/scripts/deps.lock"
        "${PROJECT_SOURCE_DIR}/scripts/sbom")
    file(GLOB ringport_deps_patches CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/scripts/deps-*.patch")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ringport_deps_patches})
    if(RINGPORT_DEPS_TARGET)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
            "${PROJECT_SOURCE_DIR}/scripts/deps-${RINGPORT_DEPS_TARGET}")
    endif()
elseif(NOT RINGPORT_DEPS STREQUAL "system")
    message(FATAL_ERROR "RINGPORT_DEPS is '${RINGPORT_DEPS}': must be pinned or system")
endif()

find_package(Threads REQUIRED)

# NO_CACHE, or a build tree would keep the libraries of an older recipe.
function(ringport_add_dependency name library header)
    find_path(include_dir "${header}" ${ringport_find_options} PATH_SUFFIXES include NO_CACHE REQUIRED)
    find_library(location "${library}" ${ringport_find_options} PATH_SUFFIXES lib NO_CACHE REQUIRED)
    add_library(ringport_${name} UNKNOWN IMPORTED)
    set_target_properties(ringport_${name} PROPERTIES
        IMPORTED_LOCATION "${location}"
        INTERFACE_INCLUDE_DIRECTORIES "${include_dir}"
        INTERFACE_LINK_LIBRARIES "${ARGN}")
endfunction()

ringport_add_dependency(wolfssl wolfssl wolfssl/ssl.h Threads::Threads ${ringport_system_libraries})
ringport_add_dependency(cares cares ares.h Threads::Threads ${ringport_system_libraries})
ringport_add_dependency(llhttp llhttp llhttp.h)
ringport_add_dependency(nghttp2 nghttp2 nghttp2/nghttp2.h)
if(RINGPORT_ZLIB)
    ringport_add_dependency(zlib z zlib.h)
    list(APPEND ringport_dependencies zlib)
endif()
if(RINGPORT_BROTLI)
    ringport_add_dependency(brotlicommon brotlicommon brotli/decode.h)
    ringport_add_dependency(brotlidec brotlidec brotli/decode.h ringport_brotlicommon)
    list(APPEND ringport_dependencies brotlidec brotlicommon) # as they are linked
endif()
if(RINGPORT_ZSTD)
    ringport_add_dependency(zstd zstd zstd.h)
    list(APPEND ringport_dependencies zstd)
endif()
if(WIN32)
    # Without them their functions are taken for a DLL's.
    set_property(TARGET ringport_cares PROPERTY INTERFACE_COMPILE_DEFINITIONS CARES_STATICLIB)
    set_property(TARGET ringport_nghttp2 PROPERTY INTERFACE_COMPILE_DEFINITIONS NGHTTP2_STATICLIB)
else()
    ringport_add_dependency(liburing uring liburing.h)
endif()
if(RINGPORT_BUILD_TESTS)
    ringport_add_dependency(cmocka cmocka cmocka.h)
    # cmocka 2 has new names for assert_in_range and its like; cmocka 1 has only these.
    set_property(TARGET ringport_cmocka PROPERTY INTERFACE_COMPILE_DEFINITIONS CMOCKA_DISABLE_DEPRECATION_WARNINGS)
endif()

# For `ringport --version`, and the list of what is linked that is installed.
set(ringport_linked "libraries of the system's or the builder's choice")
if(RINGPORT_DEPS STREQUAL "pinned")
    execute_process(
        COMMAND "${PROJECT_SOURCE_DIR}/scripts/sbom" --versions "${ringport_deps_prefix}"
        OUTPUT_VARIABLE ringport_linked
        OUTPUT_STRIP_TRAILING_WHITESPACE
        COMMAND_ERROR_IS_FATAL ANY)
endif()

# What an older wolfSSL is known to lack; `ringport --version` says it too.
get_target_property(wolfssl_include ringport_wolfssl INTERFACE_INCLUDE_DIRECTORIES)
file(STRINGS "${wolfssl_include}/wolfssl/version.h" wolfssl_version REGEX "LIBWOLFSSL_VERSION_STRING")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" wolfssl_version "${wolfssl_version}")
if(wolfssl_version VERSION_LESS 5.9.2)
    message(WARNING "wolfSSL ${wolfssl_version} lacks X25519MLKEM768, keys outside of the process (on_sign), RSASSA-PSS, "
        "refusals of groups and extensions that were not offered, and fixes of 5.9.2 (CVE-2026-3230, CVE-2026-3547, CVE-2026-10592 "
        "among them): docs/security.md")
else()
    file(STRINGS "${wolfssl_include}/wolfssl/options.h" wolfssl_hybrids REGEX "define WOLFSSL_PQC_HYBRIDS")
    if(wolfssl_hybrids)
        message(STATUS "wolfSSL ${wolfssl_version}")
    else()
        message(WARNING "wolfSSL ${wolfssl_version} was built without X25519MLKEM768 (--enable-mlkem)")
    endif()
endif()

# A wolfSSL of the user's own must have what scripts/deps switches on (it says what each is for), and none of what
# makes certificate checks unsafe: WOLFSSL_TRUST_PEER_CERT takes a cloned CA certificate for any host.
if(RINGPORT_DEPS STREQUAL "system")
    include(CheckCSourceCompiles)
    set(CMAKE_REQUIRED_LIBRARIES ringport_wolfssl)
    check_c_source_compiles("
        #include <wolfssl/options.h>
        #include <wolfssl/ssl.h>
        #if !defined(WOLFSSL_TLS13) || !defined(HAVE_SNI) || !defined(HAVE_ALPN) || !defined(HAVE_SESSION_TICKET) || \
            !defined(WOLFSSL_SYS_CA_CERTS) || !defined(HAVE_SECRET_CALLBACK) || !defined(HAVE_EXT_CACHE) || \
            !defined(WOLFSSL_ALWAYS_VERIFY_CB) || defined(WOLFSSL_TRUST_PEER_CERT)
        #error not the configuration that ringport needs
        #endif
        int main(void) { return wolfSSL_Init() == WOLFSSL_SUCCESS ? 0 : 1; }" RINGPORT_WOLFSSL_SUITABLE)
    unset(CMAKE_REQUIRED_LIBRARIES)
    if(NOT RINGPORT_WOLFSSL_SUITABLE)
        message(FATAL_ERROR "This wolfSSL was built without what ringport needs: see build_wolfssl in scripts/deps")
    endif()
endif()
