# SPDX-License-Identifier: Apache-2.0
# ConcordanceComponent.cmake - builds components in C, in this tree and in an application's own.
#
#	include(<concordance>/sdk/c/cmake/ConcordanceComponent.cmake)
#	concordance_component(bankaccount
#		WORLD aggregate-component       # of WIT; default aggregate-component
#		SOURCES account.c
#		OUTPUT ${CMAKE_CURRENT_SOURCE_DIR}/build/bankaccount.wasm)   # default <build dir>/<target>.wasm
#
# Further arguments: INCLUDES dirs, DEFINES names, OPTIONS compiler options, WIT dir (default: wit/ of Concordance),
# NO_SDK (your own bindings, or none), NO_WASI_LIBC (links nothing but your sources).
#
#	concordance_component_test(test_account SOURCES test_account.c account.c LINK cmocka)
#
# makes a native program of the same sources with concordance_test.h, and the CTest of its name.
#
# Components are cross-compiled beside the host's languages, so any project can call this, even one with
# LANGUAGES NONE. Tools are found once and can be set as cache variables: CONCORDANCE_CLANG (14 or newer, with
# wasm-ld), CONCORDANCE_WASI_SYSROOT, CONCORDANCE_WASM_TOOLS, CONCORDANCE_YYJSON_DIR.

get_filename_component(CONCORDANCE_SDK_DIR "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
get_filename_component(CONCORDANCE_ROOT_DIR "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

find_program(CONCORDANCE_CLANG NAMES clang-14 clang clang-19 clang-18 clang-17 clang-16 clang-15
	DOC "clang that compiles components")
find_program(CONCORDANCE_WASM_TOOLS NAMES wasm-tools HINTS "${CONCORDANCE_ROOT_DIR}/.deps/bin"
	DOC "wasm-tools, which turns a core module into a component")
find_path(CONCORDANCE_YYJSON_DIR NAMES yyjson.c HINTS "${CONCORDANCE_ROOT_DIR}/.deps/yyjson"
	PATH_SUFFIXES src DOC "directory of yyjson.c and yyjson.h, 0.10 or newer" NO_CMAKE_FIND_ROOT_PATH)
set(CONCORDANCE_WASI_SYSROOT /usr CACHE PATH "sysroot with include/wasm32-wasi and lib/wasm32-wasi")

# What every compilation of a component is given. tests and README.md name the same options.
set(_concordance_compile --target=wasm32-wasi --sysroot=${CONCORDANCE_WASI_SYSROOT} -std=gnu17 -O2 -flto
	-fvisibility=hidden -Wall -Wextra)
# A small stack, in front of everything else so that running over it traps; no memory beyond what is used.
set(_concordance_link -mexec-model=reactor -Wl,--stack-first -Wl,-z,stack-size=32768 -Wl,--gc-sections
	-Wl,--strip-debug)
set(_concordance_sdk_defines -DYYJSON_DISABLE_NON_STANDARD=1 -DYYJSON_DISABLE_UTILS=1)

# The objects of the SDK, compiled once for all components of a build.
function(_concordance_sdk_objects ret_objects)
	get_property(objects GLOBAL PROPERTY CONCORDANCE_SDK_OBJECTS)
	if(NOT objects)
		set(dir "${CMAKE_BINARY_DIR}/concordance_sdk")
		file(MAKE_DIRECTORY "${dir}")
		if(NOT CONCORDANCE_YYJSON_DIR)
			message(FATAL_ERROR "yyjson.c is not found: run tools/setup or set CONCORDANCE_YYJSON_DIR")
		endif()
		set(sources arena text json call guest_aggregate guest_log)
		list(TRANSFORM sources PREPEND "${CONCORDANCE_SDK_DIR}/src/")
		list(TRANSFORM sources APPEND ".c")
		list(APPEND sources "${CONCORDANCE_SDK_DIR}/generated/aggregate/abi.c"
			"${CONCORDANCE_YYJSON_DIR}/yyjson.c")
		foreach(source IN LISTS sources)
			get_filename_component(name "${source}" NAME_WE)
			set(object "${dir}/${name}.o")
			add_custom_command(OUTPUT "${object}"
				COMMAND "${CONCORDANCE_CLANG}" ${_concordance_compile} ${_concordance_sdk_defines}
					-isystem "${CONCORDANCE_YYJSON_DIR}" -I "${CONCORDANCE_SDK_DIR}/include"
					-MD -MF "${object}.d" -c "${source}" -o "${object}"
				DEPENDS "${source}" DEPFILE "${object}.d"
				COMMENT "Compiling ${name}.c of the SDK for components" VERBATIM)
			list(APPEND objects "${object}")
		endforeach()
		add_custom_target(concordance_sdk DEPENDS ${objects})
		set_property(GLOBAL PROPERTY CONCORDANCE_SDK_OBJECTS "${objects}")
	endif()
	set(${ret_objects} "${objects}" PARENT_SCOPE)
endfunction()

function(concordance_component target)
	cmake_parse_arguments(arg "NO_SDK;NO_WASI_LIBC" "WORLD;WIT;OUTPUT" "SOURCES;INCLUDES;DEFINES;OPTIONS" ${ARGN})
	if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
		message(FATAL_ERROR "concordance_component(${target}): SOURCES are needed; unknown: "
			"'${arg_UNPARSED_ARGUMENTS}'")
	endif()
	foreach(tool CONCORDANCE_CLANG CONCORDANCE_WASM_TOOLS)
		if(NOT ${tool})
			message(FATAL_ERROR "${tool} is not found: run tools/setup or set it")
		endif()
	endforeach()
	if(NOT arg_WORLD)
		set(arg_WORLD aggregate-component)
	endif()
	if(NOT arg_WIT)
		set(arg_WIT "${CONCORDANCE_ROOT_DIR}/wit")
	endif()
	if(NOT arg_OUTPUT)
		set(arg_OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${target}.wasm")
	endif()
	get_filename_component(arg_OUTPUT "${arg_OUTPUT}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")
	get_filename_component(output_dir "${arg_OUTPUT}" DIRECTORY)
	get_filename_component(arg_WIT "${arg_WIT}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")

	set(dir "${CMAKE_CURRENT_BINARY_DIR}/${target}.dir")
	file(MAKE_DIRECTORY "${dir}" "${output_dir}")
	set(compile ${_concordance_compile} ${arg_OPTIONS})
	foreach(include IN LISTS arg_INCLUDES)
		get_filename_component(include "${include}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
		list(APPEND compile -I "${include}")
	endforeach()
	foreach(define IN LISTS arg_DEFINES)
		list(APPEND compile "-D${define}")
	endforeach()
	set(sdk_objects)
	if(NOT arg_NO_SDK)
		_concordance_sdk_objects(sdk_objects)
		list(APPEND compile -I "${CONCORDANCE_SDK_DIR}/include")
	endif()
	set(link ${_concordance_link})
	if(arg_NO_WASI_LIBC)
		list(APPEND link -nostdlib -Wl,--no-entry)
		list(REMOVE_ITEM link -mexec-model=reactor)
	endif()

	set(objects)
	foreach(source IN LISTS arg_SOURCES)
		get_filename_component(source "${source}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
		get_filename_component(name "${source}" NAME_WE)
		set(object "${dir}/${name}.o")
		add_custom_command(OUTPUT "${object}"
			COMMAND "${CONCORDANCE_CLANG}" ${compile} -MD -MF "${object}.d" -c "${source}" -o "${object}"
			DEPENDS "${source}" DEPFILE "${object}.d"
			COMMENT "Compiling ${name}.c for component ${target}" VERBATIM)
		list(APPEND objects "${object}")
	endforeach()

	file(GLOB_RECURSE wit_files CONFIGURE_DEPENDS "${arg_WIT}/*.wit")
	add_custom_command(OUTPUT "${arg_OUTPUT}"
		COMMAND "${CONCORDANCE_CLANG}" ${_concordance_compile} ${link} ${objects} ${sdk_objects}
			-o "${dir}/core.wasm"
		COMMAND "${CONCORDANCE_WASM_TOOLS}" component embed "${arg_WIT}" --world "${arg_WORLD}"
			"${dir}/core.wasm" -o "${dir}/embedded.wasm"
		COMMAND "${CONCORDANCE_WASM_TOOLS}" component new "${dir}/embedded.wasm" -o "${arg_OUTPUT}"
		DEPENDS ${objects} ${sdk_objects} ${wit_files}
		COMMENT "Linking component ${target}" VERBATIM)
	add_custom_target(${target} ALL DEPENDS "${arg_OUTPUT}")
	if(NOT arg_NO_SDK)
		add_dependencies(${target} concordance_sdk)
	endif()
	set_target_properties(${target} PROPERTIES CONCORDANCE_OUTPUT "${arg_OUTPUT}")
endfunction()

# The SDK for native programs. Tests of one build share it.
function(_concordance_native_sdk)
	if(TARGET concordance_sdk_native)
		return()
	endif()
	if(NOT CONCORDANCE_YYJSON_DIR)
		message(FATAL_ERROR "yyjson.c is not found: run tools/setup or set CONCORDANCE_YYJSON_DIR")
	endif()
	set(sources arena text json call test)
	list(TRANSFORM sources PREPEND "${CONCORDANCE_SDK_DIR}/src/")
	list(TRANSFORM sources APPEND ".c")
	# An object library of its own for yyjson: it is not ours to warn about, and its inline functions must be compiled
	# with the options of the SDK.
	add_library(concordance_sdk_yyjson OBJECT EXCLUDE_FROM_ALL "${CONCORDANCE_YYJSON_DIR}/yyjson.c")
	target_compile_options(concordance_sdk_yyjson PRIVATE -w -fvisibility=hidden)
	target_compile_definitions(concordance_sdk_yyjson PRIVATE YYJSON_DISABLE_NON_STANDARD=1 YYJSON_DISABLE_UTILS=1)
	set_target_properties(concordance_sdk_yyjson PROPERTIES COMPILE_WARNING_AS_ERROR OFF EXPORT_COMPILE_COMMANDS OFF)
	add_library(concordance_sdk_native STATIC EXCLUDE_FROM_ALL ${sources} $<TARGET_OBJECTS:concordance_sdk_yyjson>)
	set_target_properties(concordance_sdk_native PROPERTIES C_STANDARD 17 C_EXTENSIONS ON)
	if(COMMAND concordance_compile_options)
		concordance_compile_options(concordance_sdk_native)
	endif()
	target_include_directories(concordance_sdk_native PUBLIC "${CONCORDANCE_SDK_DIR}/include")
	target_include_directories(concordance_sdk_native SYSTEM PRIVATE "${CONCORDANCE_YYJSON_DIR}")
	target_compile_definitions(concordance_sdk_native PRIVATE YYJSON_DISABLE_NON_STANDARD=1 YYJSON_DISABLE_UTILS=1)
endfunction()

function(concordance_component_test name)
	cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
	_concordance_native_sdk()
	add_executable(${name} ${arg_SOURCES})
	set_target_properties(${name} PROPERTIES C_STANDARD 17 C_EXTENSIONS ON)
	if(COMMAND concordance_compile_options)
		concordance_compile_options(${name})
	endif()
	target_link_libraries(${name} PRIVATE concordance_sdk_native ${arg_LINK})
	add_test(NAME ${name} COMMAND ${name})
	set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 60)
endfunction()
