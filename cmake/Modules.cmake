# SPDX-License-Identifier: Apache-2.0
# Modules and the rule between them: a module includes modules of lower layers that it names, and nothing else.
#
#	add_module(runtime LAYER 4 USES base model store component LINK dep::x)
#
# makes the static library `runtime` of src/runtime/*.c. `USES` is the whole statement: exactly these modules' headers
# can be included, not what they use in turn. So it also names what the used headers include themselves; a folder's
# includes can be read off one line. (Linking follows the arrows all the way down by itself.) It is enforced by include
# roots: build/include/<module>/ holds one link, <module> -> src/<module>, and only the roots of the module itself and
# of those it uses are on its include path. A module that is not below the user's layer stops the configuration.
# `LINK` names foreign libraries; their headers reach no other module.
#
# A folder without .c files (headers only) becomes an interface library.

# The module's own include root.
function(_module_root name ret)
	set(root "${CMAKE_BINARY_DIR}/include/${name}")
	if(NOT EXISTS "${root}/${name}")
		file(MAKE_DIRECTORY "${root}")
		file(CREATE_LINK "${PROJECT_SOURCE_DIR}/src/${name}" "${root}/${name}" SYMBOLIC)
	endif()
	set(${ret} "${root}" PARENT_SCOPE)
endfunction()

function(add_module name)
	cmake_parse_arguments(arg "" "LAYER" "USES;LINK;EXCLUDE" ${ARGN})
	if(arg_UNPARSED_ARGUMENTS OR NOT DEFINED arg_LAYER)
		message(FATAL_ERROR "add_module(${name}): LAYER is needed; unknown: '${arg_UNPARSED_ARGUMENTS}'")
	endif()
	set(roots)
	set(closure)
	set(used)
	foreach(use IN LISTS arg_USES)
		get_property(known GLOBAL PROPERTY CONCORDANCE_LAYER_${use} SET)
		get_property(layer GLOBAL PROPERTY CONCORDANCE_LAYER_${use})
		if(NOT known)
			message(FATAL_ERROR "module '${name}' uses '${use}', which is no module (or is added after it)")
		endif()
		if(layer GREATER_EQUAL arg_LAYER)
			message(FATAL_ERROR "module '${name}' of layer ${arg_LAYER} uses '${use}' of layer ${layer}: "
				"a module uses lower layers only")
		endif()
		if(TARGET ${use})
			list(APPEND used ${use})
			_module_root(${use} root)
			list(APPEND roots "${root}")
			get_property(below GLOBAL PROPERTY CONCORDANCE_CLOSURE_${use})
			list(APPEND closure ${use} ${below})
		endif()
	endforeach()
	list(REMOVE_DUPLICATES closure)
	set_property(GLOBAL PROPERTY CONCORDANCE_LAYER_${name} ${arg_LAYER})
	set_property(GLOBAL PROPERTY CONCORDANCE_CLOSURE_${name} "${closure}")
	set_property(GLOBAL APPEND PROPERTY CONCORDANCE_MODULES ${name})
	if(NOT IS_DIRECTORY "${PROJECT_SOURCE_DIR}/src/${name}")
		message(STATUS "module ${name}: no folder src/${name}")
		return()
	endif()

	_module_root(${name} root)
	file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.c")
	foreach(file IN LISTS arg_EXCLUDE)
		list(REMOVE_ITEM sources "${PROJECT_SOURCE_DIR}/src/${name}/${file}")
	endforeach()
	if(NOT sources)
		add_library(${name} INTERFACE)
		target_link_libraries(${name} INTERFACE ${used} ${arg_LINK})
		return()
	endif()
	add_library(${name} STATIC ${sources})
	concordance_compile_options(${name})
	target_compile_options(${name} PRIVATE -include "${PROJECT_SOURCE_DIR}/src/base/banned.h")
	target_include_directories(${name} PRIVATE "${root}" ${roots})
	target_link_libraries(${name} PRIVATE ${used} ${arg_LINK} Threads::Threads)
endfunction()

# module_headers(target modules...): lets a target that is no module (a program, a test) include these modules and all
# below them.
function(module_headers target)
	set(all)
	foreach(name IN LISTS ARGN)
		get_property(below GLOBAL PROPERTY CONCORDANCE_CLOSURE_${name})
		list(APPEND all ${name} ${below})
	endforeach()
	list(REMOVE_DUPLICATES all)
	foreach(name IN LISTS all)
		if(TARGET ${name})
			_module_root(${name} root)
			target_include_directories(${target} PRIVATE "${root}")
		endif()
	endforeach()
endfunction()
