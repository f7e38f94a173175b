/** What a framework asks for, and the tables whose rows answer it. */
export type Control = { framework: string; control: string; asks: string; tables: readonly string[] };

/** Where auditors look, and what for; the texts are ours. */
const known = {
  'CC6.1': ['SOC 2', 'Logical access is restricted to those who are authorised, by rules that are enforced.'],
  'CC6.2': ['SOC 2', 'Access is authorised before it is given, and ends when it is no longer authorised.'],
  'CC6.3': ['SOC 2', 'Access is changed or removed by role and need, and duties are kept apart.'],
  'A.5.18': ['ISO/IEC 27001:2022', 'Access rights are provided, reviewed, changed and removed by a rule.'],
  '7.2.4': [
    'PCI DSS 4.0.1',
    'All accounts and their access are reviewed at least every six months, and what is inappropriate is addressed.',
  ],
  '7.2.5.1': [
    'PCI DSS 4.0.1',
    'Access of application and system accounts is reviewed periodically, and confirmed by management.',
  ],
  'Art. 32': [
    'GDPR',
    'Measures that keep processing confidential are in place, and are tested and assessed regularly.',
  ],
} as const;

/** A control with the tables of one report; `asks` is what of it these can show, where that is not all. */
export function answeredBy(
  control: keyof typeof known,
  tables: readonly string[],
  asks: string = known[control][1],
): Control {
  return { framework: known[control][0], control, asks, tables };
}

/** What of each control the tables of a period's report can show. */
export const controls: readonly Control[] = [
  answeredBy('CC6.1', ['population', 'grants', 'enforcement', 'records', 'separation-of-duties']),
  answeredBy('CC6.2', ['decisions', 'approvals', 'emergencies', 'leavers']),
  answeredBy('CC6.3', ['decisions', 'findings', 'not-evaluable', 'exemptions', 'separation-of-duties']),
  answeredBy('A.5.18', ['decisions', 'grants', 'findings', 'leavers', 'reminders', 'delegations']),
  answeredBy('7.2.4', ['grants', 'decisions', 'findings', 'not-evaluable']),
  answeredBy('7.2.5.1', ['grants', 'approvals']),
  answeredBy('Art. 32', ['population', 'findings', 'leavers']),
];
