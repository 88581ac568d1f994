// Server time in the browser: one offset, measured at every message, and one signal that moves once a second.
import { signal } from '@preact/signals';

let offset_ms = 0;

export const second = signal(Math.floor(Date.now() / 1000));
export const serverNow = (): number => Date.now() + offset_ms;

export function clockSet(server_ms: number): void {
  const d = server_ms - Date.now();
  // A jump of more than a second is a different clock; below that keep the best (least delayed) sample.
  if (Math.abs(d - offset_ms) > 1000 || d > offset_ms) offset_ms = d;
  else offset_ms -= Math.min(1, offset_ms - d);
}

export function clockStart(): () => void {
  const beat = (): void => { second.value = Math.floor(serverNow() / 1000); };
  const id = setInterval(beat, 1000);
  beat();
  return () => clearInterval(id);
}
