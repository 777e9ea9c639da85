"""Local servers that speak the documented interfaces of ticket systems, with their faults, on the same tickets."""
