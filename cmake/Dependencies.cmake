# What lading builds against.  The Debian names of all of it stand in contrib/packages.
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(MOUNT REQUIRED IMPORTED_TARGET mount)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)

# Static: lading-step brings its own C++ runtime, and a shared yaml-cpp would load a second one into
# it, across which no exception finds its way.
find_path(YAML_CPP_INCLUDE_DIR yaml-cpp/yaml.h REQUIRED)
find_library(YAML_CPP_LIBRARY libyaml-cpp.a REQUIRED)
add_library(yaml_cpp STATIC IMPORTED)
set_target_properties(yaml_cpp PROPERTIES IMPORTED_LOCATION "${YAML_CPP_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${YAML_CPP_INCLUDE_DIR}")

# Slurm has no pkg-config file everywhere: the header tells the release, and libslurm's own
# directory leads to the plugins (Debian: slurm-wlm; upstream and RPM: slurm).
find_path(SLURM_INCLUDE_DIR slurm/spank.h REQUIRED)
find_library(SLURM_LIBRARY slurm REQUIRED)
if(NOT SLURM_PLUGIN_DIR)
    get_filename_component(slurm_library_dir "${SLURM_LIBRARY}" DIRECTORY)
    set(SLURM_PLUGIN_DIR "${CMAKE_INSTALL_FULL_LIBDIR}/slurm")
    foreach(name slurm-wlm slurm)
        file(GLOB plugins "${slurm_library_dir}/${name}/*.so")
        if(plugins)
            set(SLURM_PLUGIN_DIR "${slurm_library_dir}/${name}")
            break()
        endif()
    endforeach()
endif()
message(STATUS "Slurm plugin directory: ${SLURM_PLUGIN_DIR}")
