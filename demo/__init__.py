"""The story that `make demo` plays on the sandbox, and the demo itself."""
