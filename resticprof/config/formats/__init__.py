"""One file per configuration format: parse(text, file) -> Node."""
