# SPDX-License-Identifier: Apache-2.0
# concordance_compile_options(target): the warnings and code generation of all C that is ours. Whether a warning is an
# error is CMAKE_COMPILE_WARNING_AS_ERROR: the presets for developers set it, packagers need not.
set(_concordance_warnings
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align -Wpointer-arith
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Wwrite-strings -Wformat=2
	-Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference -Wdouble-promotion -Wdate-time)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
	list(APPEND _concordance_warnings -Wno-format-truncation -Wlogical-op -Wduplicated-cond -Wduplicated-branches
		-Wjump-misses-init -Wtrampolines)
elseif(CMAKE_C_COMPILER_ID MATCHES Clang)
	list(APPEND _concordance_warnings -Wcomma -Wunreachable-code -Wconditional-uninitialized
		-Wmissing-variable-declarations)
endif()

function(concordance_compile_options target)
	target_compile_options(${target} PRIVATE ${_concordance_warnings} -fno-common -fvisibility=hidden
		-fstack-protector-strong
		# __FILE__ in messages is src/..., wherever it was built.
		"-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
	# base/banned.h includes libc's headers before any file can, so feature macros are set here and nowhere else.
	target_compile_definitions(${target} PRIVATE _GNU_SOURCE= _FILE_OFFSET_BITS=64)
endfunction()
