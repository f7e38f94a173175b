import { workerData } from 'node:worker_threads';
import { type HistoryOptions, writeHistory } from './history.ts';

// Runs in a thread that startLoop.ts starts; the thread ends when the history is written.
writeHistory(workerData as HistoryOptions);
