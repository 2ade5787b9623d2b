"""What is made once for all experiments on a data set, a module a rule of the workflow."""
