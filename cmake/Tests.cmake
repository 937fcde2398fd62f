# SPDX-License-Identifier: Apache-2.0
# Tests in C. All run from the repository's root; labels are unit, contract, scenario, fuzz, build, and tsan for those
# with threads in them.

# add_test_program(name LABELS ... SOURCES ... MODULES ... [TIMEOUT seconds] [ARGS ...])
# A program that may include the modules and all below them, tests/lib, and cmocka; and the test that runs it.
function(add_test_program name)
	cmake_parse_arguments(arg "" "TIMEOUT" "LABELS;SOURCES;MODULES;ARGS" ${ARGN})
	add_executable(${name} ${arg_SOURCES})
	concordance_compile_options(${name})
	module_headers(${name} ${arg_MODULES})
	target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
	target_link_libraries(${name} PRIVATE testlib ${arg_MODULES} dep::cmocka Threads::Threads)
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 60)
	endif()
	add_test(NAME ${name} COMMAND ${name} ${arg_ARGS} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
	set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
		ENVIRONMENT "${CONCORDANCE_TEST_ENVIRONMENT}")
endfunction()

# add_unit_tests(module [TSAN] [TIMEOUT seconds]): tests/unit/<module>. With a main.c there, one program
# unit.<module> of all its files; else each test_x.c is a program unit.<module>.x, with the other .c files in it.
function(add_unit_tests module)
	cmake_parse_arguments(arg "TSAN" "TIMEOUT" "" ${ARGN})
	set(folder "${PROJECT_SOURCE_DIR}/tests/unit/${module}")
	if(NOT TARGET ${module})
		return()
	endif()
	set(labels unit)
	if(arg_TSAN)
		list(APPEND labels tsan)
	endif()
	file(GLOB tests CONFIGURE_DEPENDS "${folder}/test_*.c")
	file(GLOB others CONFIGURE_DEPENDS "${folder}/*.c")
	if(NOT tests)
		return()
	endif()
	list(REMOVE_ITEM others ${tests})
	if("${folder}/main.c" IN_LIST others)
		add_test_program(unit.${module} LABELS ${labels} SOURCES ${tests} ${others} MODULES ${module}
			TIMEOUT ${arg_TIMEOUT})
		return()
	endif()
	foreach(test IN LISTS tests)
		get_filename_component(file "${test}" NAME_WE)
		string(REGEX REPLACE "^test_" "" file "${file}")
		add_test_program(unit.${module}.${file} LABELS ${labels} SOURCES "${test}" ${others}
			MODULES ${module} TIMEOUT ${arg_TIMEOUT})
	endforeach()
endfunction()
