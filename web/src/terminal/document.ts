// xterm makes <style> elements and style attributes, which our content security policy refuses. It can be given a document of our own:
// this one turns both into what the policy allows, constructed style sheets and the style object of an element.

interface Sheet { element: HTMLElement; sheet: CSSStyleSheet }

/* An element that stands for a <style>: what is written into it becomes an adopted style sheet, until it is removed. */
function styleElement(real: Document): HTMLElement {
  const it: Sheet = { element: real.createElement('template'), sheet: new CSSStyleSheet() };
  let text = '';
  const set = (t: string): void => { text = t; it.sheet.replaceSync(t); };
  real.adoptedStyleSheets = [...real.adoptedStyleSheets, it.sheet];
  Object.defineProperty(it.element, 'textContent', { get: () => text, set });
  Object.defineProperty(it.element, 'remove', {
    value: () => {
      real.adoptedStyleSheets = real.adoptedStyleSheets.filter(s => s !== it.sheet);
      Element.prototype.remove.call(it.element);
    },
  });
  return it.element;
}

function plainElement(real: Document, name: string): HTMLElement {
  const e = real.createElement(name);
  e.setAttribute = (key: string, value: string): void => {
    if (key === 'style') e.style.cssText = value; else Element.prototype.setAttribute.call(e, key, value);
  };
  return e;
}

export function strictDocument(real: Document): Document {
  return new Proxy(real, {
    get(target, key) {
      if (key === 'createElement') return (name: string) => (name === 'style' ? styleElement(target) : plainElement(target, name));
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as (...a: unknown[]) => unknown).bind(target) : value;
    },
  });
}
