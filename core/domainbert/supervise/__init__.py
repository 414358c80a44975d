"""Several processes on one machine: started, watched, restarted and stopped as one."""
