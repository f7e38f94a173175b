import { type StatsFs, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { checkPlaces } from '../config/checkPlaces.ts';
import { ConfigError, type GatewayConfig } from '../config/config.ts';
import { nearestFolder } from '../config/nearestFolder.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const MiB = 2 ** 20;
/** A decision file's own size, and what a busy gateway writes in an hour. */
const free = { needed: 256 * MiB, wanted: 2048 * MiB };

/** What the configuration names on this machine: it can be used, and nobody else can write to the state. */
export async function checkFolders(
  config: GatewayConfig,
  env: NodeJS.ProcessEnv,
  uid: number | undefined,
): Promise<Finding[]> {
  const { folder } = config.decisions;
  return [
    ...places(config, env),
    ...ownedState(config.state, uid),
    freeDisk(folder, await statfs(nearestFolder(folder))),
  ];
}

function places(config: GatewayConfig, env: NodeJS.ProcessEnv): Finding[] {
  try {
    checkPlaces(config, env, false);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => {
      const [, setting = 'places', message = line] = /^"([^"]+)": (.*)$/.exec(line) ?? [];
      return problem(
        setting,
        message,
        'give the user that runs the gateway what the setting names, or change it',
      );
    });
  }
  return [ok('places', 'folders, secrets, keys and certificates can be used')];
}

function ownedState(folder: string, uid: number | undefined): Finding[] {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return [ok('state', `${folder} is made at the first start`)];
  if (uid === undefined) return [];
  if (stats.uid !== uid)
    return [
      problem(
        'state',
        `${folder} belongs to user ${stats.uid}, and this is user ${uid}`,
        `run it as the user that runs the gateway, or \`chown ${uid}\` the folder: what is kept there decides`,
      ),
    ];
  if ((stats.mode & 0o022) !== 0)
    return [
      problem(
        'state',
        `${folder} can be written to by other users`,
        `\`chmod 700 ${folder}\`: whoever writes there can put an older bundle in place`,
      ),
    ];
  return [ok('state', `${folder} is this user's alone`)];
}

type Disk = Pick<StatsFs, 'bavail' | 'bsize' | 'files' | 'ffree'>;

/** Whether decisions can be written for a while on a disk like that. */
export function freeDisk(folder: string, { bavail, bsize, files, ffree }: Disk): Finding {
  const bytes = bavail * bsize;
  const space = `${Math.floor(bytes / MiB)} MiB free for ${folder}`;
  const advice = 'make room, or move old files away: a full disk denies requests';
  if (bytes < free.needed) return problem('decisions.folder', `only ${space}`, advice);
  // Some file systems count no inodes.
  if (files > 0 && ffree < 1000)
    return problem('decisions.folder', `only ${ffree} inodes free for ${folder}`, advice);
  if (bytes < free.wanted) return warning('decisions.folder', `only ${space}`, advice);
  return ok('decisions.folder', space);
}
