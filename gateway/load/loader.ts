// The loader thread: everything about a new bundle that takes time happens here, never beside requests.
import { parentPort, workerData } from 'node:worker_threads';
import { type LoaderData, openLoader } from './openLoader.ts';

if (parentPort === null) throw new Error('loader.ts runs as a worker thread');
openLoader(parentPort, workerData as LoaderData);
