"""The report: the only place that speaks to a reader, and the only one that knows a language."""
