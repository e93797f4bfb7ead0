# find_package(Headscope), then target_link_libraries(program headscope::client).
include(CMakeFindDependencyMacro)
find_dependency(absl)
find_dependency(Protobuf)
find_dependency(OpenSSL)
find_dependency(gRPC)
find_dependency(nlohmann_json)
include(${CMAKE_CURRENT_LIST_DIR}/HeadscopeTargets.cmake)
