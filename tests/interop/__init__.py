"""What real receivers read: the OpenTelemetry Collector and rotel, as processes of their own."""
