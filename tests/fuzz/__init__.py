"""Any bytes and any calls: targets of libFuzzer over the core, and headers through the API's propagators."""
