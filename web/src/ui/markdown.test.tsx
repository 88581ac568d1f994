// @vitest-environment jsdom
import { render } from 'preact';
import { expect, test } from 'vitest';
import { Markdown } from './markdown';

function html(text: string): string {
  const box = document.createElement('div');
  render(<Markdown text={text} />, box);
  return box.querySelector('.md')!.innerHTML;
}

test.each([
  ['plain', '<p>plain</p>'],
  ['two\nlines', '<p>two lines</p>'],
  ['a\n\nb', '<p>a</p><p>b</p>'],
  ['**bold** and *em* and `code`', '<p><strong>bold</strong> and <em>em</em> and <code>code</code></p>'],
  ['- a\n- b', '<ul><li>a</li><li>b</li></ul>'],
  ['1. a\n2. b', '<ol><li>a</li><li>b</li></ol>'],
  ['- a\n  goes on', '<ul><li>a goes on</li></ul>'],
  ['## Title\ntext', '<h3>Title</h3><p>text</p>'],
  ['```\nx < y\n```', '<pre tabindex="0"><code>x &lt; y</code></pre>'],
  ['```\nnever closed', '<pre tabindex="0"><code>never closed</code></pre>'],
  ['#hash is text', '<p>#hash is text</p>'],
  ['<img src=x onerror=alert(1)>', '<p>&lt;img src=x onerror=alert(1)&gt;</p>'],
  ['[x](javascript:alert(1))', '<p>[x](javascript:alert(1))</p>'],
  ['', ''],
])('%j', (text, out) => expect(html(text)).toBe(out));

test('a safe link opens elsewhere and tells nobody', () => {
  expect(html('[docs](https://example.org/a)')).toBe('<p><a href="https://example.org/a" target="_blank" rel="noreferrer noopener">docs</a></p>');
});
test('a very long text ends', () => { expect(html('*'.repeat(200_000)).length).toBeLessThan(150_000); });
