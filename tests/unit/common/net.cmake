# The loop and what runs on it.
trytok_unit_test(test_loop SOURCES test_loop.c LIBRARIES trytok::common)
trytok_unit_test(test_http_gate SOURCES test_http_gate.c LIBRARIES trytok::common)
foreach(module http_client http_client_ends http_server http_server_gate http_server_slow http_server_stream)
  trytok_unit_test(test_${module} SOURCES test_${module}.c http_fixture.c LIBRARIES trytok::common)
endforeach()
foreach(module http_client http_client_ends)
  target_sources(test_${module} PRIVATE http_peer.c)
endforeach()
