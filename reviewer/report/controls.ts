/** What a framework asks for, and the tables whose rows answer it. */
export type Control = { framework: string; control: string; asks: string; tables: readonly string[] };

/** Where auditors look; the texts are ours, and say what of each control these tables can show. */
export const controls: readonly Control[] = [
  {
    framework: 'SOC 2',
    control: 'CC6.1',
    asks: 'Logical access is restricted to those who are authorised, by rules that are enforced.',
    tables: ['population', 'grants', 'enforcement', 'separation-of-duties'],
  },
  {
    framework: 'SOC 2',
    control: 'CC6.2',
    asks: 'Access is authorised before it is given, and ends when it is no longer authorised.',
    tables: ['decisions', 'approvals', 'emergencies', 'leavers'],
  },
  {
    framework: 'SOC 2',
    control: 'CC6.3',
    asks: 'Access is changed or removed by role and need, and duties are kept apart.',
    tables: ['decisions', 'findings', 'not-evaluable', 'exemptions', 'separation-of-duties'],
  },
  {
    framework: 'ISO/IEC 27001:2022',
    control: 'A.5.18',
    asks: 'Access rights are provided, reviewed, changed and removed by a rule.',
    tables: ['decisions', 'grants', 'findings', 'leavers'],
  },
  {
    framework: 'PCI DSS 4.0.1',
    control: '7.2.4',
    asks: 'All accounts and their access are reviewed at least every six months, and what is inappropriate is addressed.',
    tables: ['grants', 'decisions', 'findings', 'not-evaluable'],
  },
  {
    framework: 'PCI DSS 4.0.1',
    control: '7.2.5.1',
    asks: 'Access of application and system accounts is reviewed periodically, and confirmed by management.',
    tables: ['grants', 'approvals'],
  },
  {
    framework: 'GDPR',
    control: 'Art. 32',
    asks: 'Measures that keep processing confidential are in place, and are tested and assessed regularly.',
    tables: ['population', 'findings', 'leavers'],
  },
];
