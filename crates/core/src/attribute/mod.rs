//! Whose is what: processes to units, containers and pods; instances summed, each once.
