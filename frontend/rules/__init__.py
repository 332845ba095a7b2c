"""Import rules, one file per operator family; `registry` finds them by listing this folder."""
