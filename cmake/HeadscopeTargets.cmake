# Functions that every folder's CMakeLists.txt uses: one static library per folder, linked only to what it may use.

add_library(headscope_flags INTERFACE)
target_compile_options(headscope_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wno-unused-parameter -Wno-deprecated-declarations
  $<$<BOOL:${HEADSCOPE_WERROR}>:-Werror>
  # GCC 12 sees overflows in std::string's own copying (GCC bugs 105329, 105651): warnings, no errors.
  $<$<AND:$<BOOL:${HEADSCOPE_WERROR}>,$<CXX_COMPILER_ID:GNU>>:-Wno-error=restrict;-Wno-error=stringop-overflow>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
if(HEADSCOPE_SANITIZE)
  target_compile_options(headscope_flags INTERFACE -fsanitize=${HEADSCOPE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(headscope_flags INTERFACE -fsanitize=${HEADSCOPE_SANITIZE})
endif()

if(HEADSCOPE_FUZZ)
  target_compile_options(headscope_flags INTERFACE -fsanitize=fuzzer-no-link -fno-sanitize-recover=all)
endif()

# Abseil as packaged by Debian 12 is unknown to ThreadSanitizer; see the file.
if(HEADSCOPE_SANITIZE STREQUAL "thread")
  add_library(headscope_absl_mutex_for_tsan OBJECT ${CMAKE_CURRENT_LIST_DIR}/absl_mutex_for_tsan.cc)
  foreach(function
      _ZN4absl7debian35Mutex4LockEv _ZN4absl7debian35Mutex6UnlockEv _ZN4absl7debian35Mutex7TryLockEv
      _ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE
      _ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE
      _ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE
      _ZN4absl7debian312Notification6NotifyEv _ZNK4absl7debian312Notification19WaitForNotificationEv
      _ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE)
    target_link_options(headscope_flags INTERFACE -Wl,--wrap=${function})
  endforeach()
  target_link_libraries(headscope_flags INTERFACE $<TARGET_OBJECTS:headscope_absl_mutex_for_tsan>)
endif()

find_program(HEADSCOPE_CCACHE ccache)
if(HEADSCOPE_CCACHE)
  # Precompiled headers need these two sloppiness settings to be cacheable.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${HEADSCOPE_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()

find_package(absl REQUIRED)

# LibTorch as one target whose headers are system headers; its own compile flags stay out of ours.
function(headscope_find_torch)
  if(TARGET headscope_torch)
    return()
  endif()
  # Imported targets belong to the folder that looks for them; the tests link these too.
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
  find_package(Torch REQUIRED)
  message(STATUS "LibTorch ${Torch_VERSION}")
  add_library(headscope_torch INTERFACE)
  target_include_directories(headscope_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  target_link_libraries(headscope_torch INTERFACE ${TORCH_LIBRARIES})
endfunction()

# oneDNN 2.x as the target headscope_onednn, where it is installed. (Debian's own package configuration asks for
# OpenCL.)
function(headscope_find_onednn)
  find_path(HEADSCOPE_ONEDNN_INCLUDE oneapi/dnnl/dnnl_version.h)
  find_library(HEADSCOPE_ONEDNN_LIBRARY dnnl)
  if(HEADSCOPE_ONEDNN_INCLUDE AND HEADSCOPE_ONEDNN_LIBRARY)
    file(STRINGS ${HEADSCOPE_ONEDNN_INCLUDE}/oneapi/dnnl/dnnl_version.h major REGEX "define DNNL_VERSION_MAJOR 2$")
  endif()
  if(NOT major)
    message(STATUS "oneDNN 2.x not found: the fast engine uses LibTorch's own operations")
    return()
  endif()
  message(STATUS "oneDNN ${HEADSCOPE_ONEDNN_LIBRARY}")
  add_library(headscope_onednn INTERFACE)
  target_include_directories(headscope_onednn SYSTEM INTERFACE ${HEADSCOPE_ONEDNN_INCLUDE})
  target_link_libraries(headscope_onednn INTERFACE ${HEADSCOPE_ONEDNN_LIBRARY})
endfunction()

# headscope_library(NAME SOURCES a.cc ... [PUBLIC deps] [PRIVATE deps] [PCH headers])
# NAME follows the folder: server/jobs is headscope_server_jobs. Includes are written from the project's root.
function(headscope_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE;PCH")
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:headscope_flags>)
  if(arg_PCH)
    target_precompile_headers(${name} PRIVATE ${arg_PCH})
  endif()
endfunction()

# headscope_executable(NAME SOURCES ... LINK ...): a program in <build>/bin.
function(headscope_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;PCH")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LINK} headscope_flags)
  if(arg_PCH)
    target_precompile_headers(${name} PRIVATE ${arg_PCH})
  endif()
endfunction()

# headscope_test(NAME SOURCES ... LINK ... [PCH ...] [LABELS ...]): one GoogleTest program per mirrored folder.
# Tests find the reference material (golden cases, tokenizers, data) in the folder named by HEADSCOPE_SHARED
# and skip, saying so, where it is absent.
function(headscope_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;PCH;LABELS")
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gmock GTest::gtest_main headscope_flags)
  target_compile_definitions(${name} PRIVATE
    HEADSCOPE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HEADSCOPE_SHARED_DIR="${HEADSCOPE_SHARED}")
  if(arg_PCH)
    target_precompile_headers(${name} PRIVATE ${arg_PCH})
  endif()
  gtest_discover_tests(${name} NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600 LABELS "${arg_LABELS}")
endfunction()
