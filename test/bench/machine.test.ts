import t from 'tap';
import { describeMachine, detectAccel, nanosecondsPerCycle } from '../../lib/bench/machine.ts';

t.test('what executes the instructions is told by the environment, or by the machine', async (t) => {
  const x86 = (model: string, flags: string) => `model name\t: ${model}\nflags\t\t: fpu ${flags} sse2\n`;
  t.equal(detectAccel(undefined, x86('AMD EPYC', 'rdtscp'), ''), 'native');
  t.equal(detectAccel(undefined, x86('AMD EPYC', 'hypervisor rdtscp'), ''), 'kvm');
  t.equal(detectAccel(undefined, x86('QEMU TCG CPU version 2.5+', 'hypervisor'), ''), 'tcg');
  t.equal(detectAccel('kvm', x86('QEMU Virtual CPU version 2.5+', 'hypervisor'), ''), 'kvm');
  t.equal(detectAccel('tcg', x86('AMD EPYC', 'rdtscp'), ''), 'tcg');
  t.equal(detectAccel('nonsense', x86('AMD EPYC', 'rdtscp'), ''), 'native');

  t.equal(detectAccel(undefined, '', 'Manufacturer:         IBM\nType: 3931\n'), 'native');
  t.equal(detectAccel(undefined, '', 'Manufacturer: IBM\nVM00 Control Program: KVM/Linux\n'), 'kvm');
  t.equal(detectAccel(undefined, '', 'Manufacturer: QEMU\nVM00 Control Program: KVM/Linux\n'), 'tcg');
});

t.test('this machine is described', async (t) => {
  const machine = describeMachine();
  t.equal(machine.arch, process.arch);
  t.ok(machine.cpus > 0);
  t.ok(machine.load >= 0);
  t.ok(machine.lastLevelCache >= 0);
  t.ok(nanosecondsPerCycle() > 0);
});
