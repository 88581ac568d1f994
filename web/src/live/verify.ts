// Proofs of a scenario that the server is carrying out: what it last said, and how to start and stop them.
import { signal } from '@preact/signals';
import { get, post } from './api';

export interface Proof { name: string; state: 'waiting' | 'running' | 'passed' | 'failed'; phase: string; outcome: string; reason: string; took_ms: number }
export interface Verify {
  state: 'idle' | 'running' | 'passed' | 'failed' | 'cancelled' | 'broken'; scenario: string; note: string; fast: boolean; stack: number;
  began_ms: number; ended_ms: number; proofs: Proof[];
}
export const verify = signal<Verify | null>(null);
const keep = (v: Verify): void => { verify.value = v; };

export const verifyLoad = (): Promise<void> => get<Verify>('/verify').then(keep, () => { /* an older server proves nothing: the panel says so */ });
export const verifyStart = (scenario: string, fast: boolean): Promise<void> => post<Verify>('/verify', { scenario, fast }).then(keep);
export const verifyStop = (): Promise<void> => post<Verify>('/verify/stop', {}).then(keep);
