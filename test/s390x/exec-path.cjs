// The kernel of this machine does not start programs of another: children are started by the emulator too.
process.execPath = process.env.VMCORE_EMULATED_NODE;
