# SPDX-License-Identifier: Apache-2.0
# The foreign libraries, as targets dep::NAME. Which module may use which is said in src/CMakeLists.txt; none is used
# by two. What Debian does not have, or not new enough, tools/setup has put into .deps/.
set(CONCORDANCE_DEPS "${PROJECT_SOURCE_DIR}/.deps" CACHE PATH "what tools/setup fetched")
if(NOT EXISTS "${CONCORDANCE_DEPS}/stamp")
	message(FATAL_ERROR "${CONCORDANCE_DEPS} is not complete: run tools/setup")
endif()

# _dep_sources(name INCLUDE dir SOURCES files): a static library of C that is not ours: quiet, never an error, its
# headers those of a system.
function(_dep_sources name)
	cmake_parse_arguments(arg "" "INCLUDE" "SOURCES" ${ARGN})
	add_library(dep_${name} STATIC ${arg_SOURCES})
	add_library(dep::${name} ALIAS dep_${name})
	target_include_directories(dep_${name} SYSTEM PUBLIC "${arg_INCLUDE}")
	target_compile_options(dep_${name} PRIVATE -w -fvisibility=hidden)
	set_target_properties(dep_${name} PROPERTIES COMPILE_WARNING_AS_ERROR OFF EXPORT_COMPILE_COMMANDS OFF)
endfunction()

# _dep_system(name HEADER h [LIBRARY l]): a library of the system.
function(_dep_system name)
	cmake_parse_arguments(arg "" "HEADER;LIBRARY" "" ${ARGN})
	find_path(DEP_${name}_INCLUDE "${arg_HEADER}")
	if(NOT DEP_${name}_INCLUDE)
		message(FATAL_ERROR "${arg_HEADER} is not found: run tools/setup")
	endif()
	add_library(dep_${name} INTERFACE)
	add_library(dep::${name} ALIAS dep_${name})
	target_include_directories(dep_${name} SYSTEM INTERFACE "${DEP_${name}_INCLUDE}")
	if(arg_LIBRARY)
		find_library(DEP_${name}_LIBRARY "${arg_LIBRARY}")
		if(NOT DEP_${name}_LIBRARY)
			message(FATAL_ERROR "lib${arg_LIBRARY} is not found: run tools/setup")
		endif()
		target_link_libraries(dep_${name} INTERFACE "${DEP_${name}_LIBRARY}")
	endif()
endfunction()

_dep_sources(yyjson INCLUDE "${CONCORDANCE_DEPS}/yyjson" SOURCES "${CONCORDANCE_DEPS}/yyjson/yyjson.c")
_dep_sources(llhttp INCLUDE "${CONCORDANCE_DEPS}/llhttp/include" SOURCES
	"${CONCORDANCE_DEPS}/llhttp/src/api.c" "${CONCORDANCE_DEPS}/llhttp/src/http.c"
	"${CONCORDANCE_DEPS}/llhttp/src/llhttp.c")

_dep_system(uv HEADER uv.h LIBRARY uv)
_dep_system(xxhash HEADER xxhash.h)
_dep_system(crypto HEADER openssl/evp.h LIBRARY crypto)
_dep_system(yaml HEADER yaml.h LIBRARY yaml)
_dep_system(curl HEADER curl/curl.h LIBRARY curl)
if(BUILD_TESTING)
	_dep_system(cmocka HEADER cmocka.h LIBRARY cmocka)
endif()

# wasmtime's library has no SONAME, so that programs ask for it by its file name. It lies beside them in the build
# directory and in a folder of our own when installed, where it cannot be taken for another version.
configure_file("${CONCORDANCE_DEPS}/wasmtime/lib/libwasmtime.so" "${CMAKE_BINARY_DIR}/libwasmtime.so" COPYONLY)
add_library(dep_wasmtime SHARED IMPORTED GLOBAL)
add_library(dep::wasmtime ALIAS dep_wasmtime)
set_target_properties(dep_wasmtime PROPERTIES
	IMPORTED_LOCATION "${CMAKE_BINARY_DIR}/libwasmtime.so"
	IMPORTED_NO_SONAME ON
	INTERFACE_INCLUDE_DIRECTORIES "${CONCORDANCE_DEPS}/wasmtime/include")
