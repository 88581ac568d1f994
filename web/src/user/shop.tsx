// A shop front that really orders, through the same gateway as the simulated users; below it a request console.
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { post, said } from '../live/api';
import type { Json } from '../live/protocol';
import { money, value } from '../ui/format';
import { Icon } from '../ui/icons';
import { Copy, Empty, ProblemBox, Skeleton } from '../ui/parts';
import { Mark } from '../ui/status';

export interface ShopAnswer { status: number; latency_ms: number; headers: Record<string, string>; body: Json }
interface Product { id: Json; name: string; price_cents: number | null; category: string }
type Row = { [key: string]: Json };

export const shop = (method: string, path: string, body?: Json): Promise<ShopAnswer> =>
  post<ShopAnswer>('/shop', body === undefined ? { method, path } : { method, path, body }, { timeout_ms: 40_000 });

/* The body travels as text; a gateway in trouble may answer with anything. */
export function bodyOf(a: ShopAnswer): Json {
  if (typeof a.body !== 'string') return a.body;
  try { return JSON.parse(a.body) as Json; } catch { return a.body; }
}

export function products(body: Json): Product[] {
  const list = Array.isArray(body) ? body : body && typeof body === 'object' ? Object.values(body).find(Array.isArray) : undefined;
  return ((list ?? []) as Json[]).filter((p): p is Row => p !== null && typeof p === 'object' && !Array.isArray(p)).slice(0, 60).map(p => ({
    id: p.id ?? p.sku ?? null, name: String(p.name ?? p.title ?? p.sku ?? p.id ?? 'unnamed'),
    price_cents: typeof p.price_cents === 'number' ? p.price_cents : null, category: typeof p.category === 'string' ? p.category : '',
  }));
}

const outcome = (a: ShopAnswer): boolean => a.status >= 200 && a.status < 400;
/* Who orders by hand: a customer of its own, so that its history does not mix with the simulated users'. */
const BUYER = 'visitor@shop.example';
const catalogue = signal<Product[] | null>(null);
const trouble = signal<{ a: ShopAnswer | null; text: string } | null>(null);

async function browse(): Promise<void> {
  try {
    const a = await shop('GET', '/products');
    if (outcome(a)) { catalogue.value = products(bodyOf(a)); trouble.value = null; }
    else trouble.value = { a, text: `The shop answered ${a.status || 'nothing'} after ${value(a.latency_ms, 'ms')}. Your users see the same.` };
  } catch (e) { trouble.value = { a: null, text: said(e) }; }
}

export function Shop(): JSX.Element {
  const doing = useSignal<Json>(null);
  const last = useSignal<{ a: ShopAnswer; what: string } | { error: string } | null>(null);
  const consoleOpen = useSignal(false);
  useEffect(() => { if (!catalogue.value) void browse(); }, []);
  const order = async (p: Product): Promise<void> => {
    doing.value = p.id;
    try { last.value = { a: await shop('POST', '/orders', { email: BUYER, product_id: p.id, quantity: 1 }), what: `Order of ${p.name}` }; }
    catch (e) { last.value = { error: said(e) }; }
    doing.value = null;
  };
  const l = last.value;
  return (
    <section class="panel shop" aria-label="Shop front">
      <header class="panel-head"><h2>The shop, by hand</h2><span class="t3 ell grow">real requests through the gateway</span>
        <button class="btn quiet small" onClick={() => void browse()}><Icon name="restart" size={14} /> Reload</button>
        <button class="btn quiet small" aria-expanded={consoleOpen.value} onClick={() => { consoleOpen.value = !consoleOpen.value; }}>Console</button>
      </header>
      {trouble.value && <div class="pad"><ProblemBox text={trouble.value.text} retry={() => void browse()} /></div>}
      {!catalogue.value ? (trouble.value ? <Empty title="The catalogue cannot be shown" /> : <Skeleton lines={4} height={40} />)
        : catalogue.value.length === 0 ? <Empty title="The catalogue is empty">The shop answered, but without a single product.</Empty> : (
          <div class="shop-list scroll" tabIndex={0} role="region" aria-label="Products">
            {catalogue.value.map((p, i) => (
              <article class="product" key={i}>
                <b title={p.name}>{p.name}</b><span class="t2">{p.price_cents === null ? '' : money(p.price_cents)}{p.category && <span class="t3"> · {p.category}</span>}</span>
                <button class="btn small" disabled={doing.value !== null} onClick={() => void order(p)} aria-label={`Order ${p.name}`}><Icon name="cart" size={14} />{doing.value === p.id && p.id !== null ? 'Ordering…' : 'Order'}</button>
              </article>
            ))}
          </div>)}
      <div class="shop-said" role="status">
        {!l ? <span class="t3">Order something, and see what a customer would see.</span>
          : 'error' in l ? <><Mark state="crit" /><span>{l.error}</span></>
            : <><Mark state={outcome(l.a) ? (l.a.latency_ms > 1000 ? 'warn' : 'ok') : 'crit'} /><span class="ell">{l.what}: {outcome(l.a) ? 'accepted' : `failed with ${l.a.status || 'no answer'}`}</span><span class="t2">{value(l.a.latency_ms, 'ms')}</span></>}
      </div>
      {consoleOpen.value && <Console />}
    </section>
  );
}

function Console(): JSX.Element {
  const method = useSignal('GET');
  const path = useSignal('/products');
  const out = useSignal<string | null>(null);
  const busy = useSignal(false);
  const go = async (e: Event): Promise<void> => {
    e.preventDefault();
    busy.value = true;
    try {
      const cut = path.value.indexOf(' ');
      const raw = cut < 0 ? '' : path.value.slice(cut + 1).trim();
      let body: Json | undefined;
      if (raw) { try { body = JSON.parse(raw) as Json; } catch { out.value = 'What follows the path must be JSON, for example: /orders {"email":"me@shop.example","product_id":1,"quantity":1}'; return; } }
      const a = await shop(method.value, cut < 0 ? path.value : path.value.slice(0, cut), body);
      const text = typeof a.body === 'string' ? a.body : JSON.stringify(a.body, null, 1);
      out.value = `${a.status || 'no answer'}  ${value(a.latency_ms, 'ms')}\n${text.slice(0, 8000)}`;
    } catch (err) { out.value = said(err); } finally { busy.value = false; }
  };
  return (
    <form class="console" onSubmit={go}>
      <select class="in" aria-label="Method" value={method.value} onChange={e => { method.value = e.currentTarget.value; }}>{['GET', 'POST', 'PUT', 'DELETE'].map(m => <option key={m}>{m}</option>)}</select>
      <input class="in mono" aria-label="Path, and a JSON body after a space" value={path.value} onInput={e => { path.value = e.currentTarget.value; }} />
      <span class="row gap4"><button class="btn" disabled={busy.value}>Send</button><Copy what="curl command" text={() => curl(method.value, path.value, location.origin)} /></span>
      {out.value !== null && <pre class="console-out" tabIndex={0} aria-label="Answer">{out.value}</pre>}
    </form>
  );
}

export function curl(method: string, line: string, origin: string): string {
  const cut = line.indexOf(' ');
  const body: Record<string, unknown> = { method, path: cut < 0 ? line : line.slice(0, cut) };
  if (cut >= 0) { try { body.body = JSON.parse(line.slice(cut + 1)); } catch { body.body = line.slice(cut + 1); } }
  return `curl -s ${origin}/api/v1/shop -H 'Content-Type: application/json' -d '${JSON.stringify(body).replace(/'/g, "'\\''")}'`;
}
