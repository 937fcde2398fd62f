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

# add_folder_tests(prefix folder LABELS ... MODULES ... [TIMEOUT seconds]): every file with a main() there is a program,
# with the folder's other files in it. One such file is the test <prefix>; of several, test_x.c is <prefix>.x.
function(add_folder_tests prefix folder)
	cmake_parse_arguments(arg "" "TIMEOUT" "LABELS;MODULES" ${ARGN})
	file(GLOB files CONFIGURE_DEPENDS "${folder}/*.c")
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
	set(mains)
	set(others)
	foreach(file IN LISTS files)
		file(STRINGS "${file}" main REGEX "^int main[(]")
		if(main)
			list(APPEND mains "${file}")
		else()
			list(APPEND others "${file}")
		endif()
	endforeach()
	list(LENGTH mains count)
	foreach(main IN LISTS mains)
		set(name ${prefix})
		if(count GREATER 1)
			get_filename_component(short "${main}" NAME_WE)
			string(REGEX REPLACE "^test_" "" short "${short}")
			set(name ${prefix}.${short})
		endif()
		add_test_program(${name} LABELS ${arg_LABELS} SOURCES "${main}" ${others} MODULES ${arg_MODULES}
			TIMEOUT ${arg_TIMEOUT})
	endforeach()
endfunction()

# add_unit_tests(module [TSAN] [TIMEOUT seconds] [WITH modules]): those in tests/unit/<module>, which may include the
# module and all below it. WITH names engines that stand behind its contracts in the tests.
function(add_unit_tests module)
	cmake_parse_arguments(arg "TSAN" "TIMEOUT" "WITH" ${ARGN})
	set(labels unit)
	if(arg_TSAN)
		list(APPEND labels tsan)
	endif()
	if(TARGET ${module})
		add_folder_tests(unit.${module} "${PROJECT_SOURCE_DIR}/tests/unit/${module}" LABELS ${labels}
			MODULES ${module} ${arg_WITH} TIMEOUT ${arg_TIMEOUT})
	endif()
endfunction()
