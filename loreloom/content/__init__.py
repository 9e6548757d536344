"""Reading what designers edit: the files of the content folder, checked, as the domain has them."""
