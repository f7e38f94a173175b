import { access } from 'node:fs/promises';
import { SourceError } from '../contract/source.ts';
import type { GitMirror } from './gitMirror.ts';

type Options = { allowedSigners: string; signal: AbortSignal };

/** OpenPGP and X.509 have key rings of the user's own, which nobody listed: their signatures count for nothing. */
const none = '/bin/false';

/**
 * Throws SourceError unless one of the allowed signers (`PATH` of a file as ssh-keygen(1) has it) signed the commit with
 * an SSH key: `commit-unsigned` or `commit-signer`; `source-invalid` when the list cannot be read, `git-missing` without
 * ssh-keygen. A key's `valid-before` is held against the date in the commit, which its author may choose: a key is
 * withdrawn by taking it off the list.
 */
export async function assertSigned(
  mirror: Pick<GitMirror, 'git'>,
  commit: string,
  { allowedSigners, signal }: Options,
): Promise<void> {
  await access(allowedSigners).catch((cause) => {
    throw new SourceError('source-invalid', `the list of signers ${allowedSigners} cannot be read`, {
      cause,
    });
  });
  const { code, stderr } = await mirror.git(['verify-commit', '--raw', commit], signal, {
    'gpg.ssh.allowedSignersFile': allowedSigners,
    'gpg.ssh.program': 'ssh-keygen',
    'gpg.program': none,
    'gpg.openpgp.program': none,
    'gpg.x509.program': none,
    'gpg.minTrustLevel': 'fully',
  });
  // Both: that Git is content, and that it is so for the one reason that counts.
  if (code === 0 && /^Good "git" signature for \S.* with \S+ key SHA256:/m.test(stderr)) return;
  if (/cannot run ssh-keygen|ssh-keygen: not found/.test(stderr))
    throw new SourceError('git-missing', 'ssh-keygen could not be started: is OpenSSH installed?');
  const { stdout } = await mirror.git(['cat-file', 'commit', commit], signal);
  const head = stdout.slice(0, Math.max(0, stdout.indexOf('\n\n')));
  if (!/^gpgsig(?:-sha256)? /m.test(head))
    throw new SourceError('commit-unsigned', `the commit ${commit} is not signed`);
  throw new SourceError('commit-signer', `the commit ${commit} is not signed by one of the allowed signers`);
}
