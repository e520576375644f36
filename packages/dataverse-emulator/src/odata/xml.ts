import { invalidRequest } from '../errors.ts';

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Text directly inside, trimmed. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
  text: string;
}

const maxElements = 10_000;
const tokenPattern =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<(\/?)([\w:-]+)((?:\s+[\w:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|[^<]+/y;
const attributePattern = /([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
export const unescapeXml = (text: string): string =>
  text
    .replaceAll('&gt;', '>')
    .replaceAll('&lt;', '<')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');

/** Reads elements, attributes and text: no document types, no CDATA, no namespaces. Throws 400 for what is not well formed. */
export function parseXml(source: string): XmlElement {
  const malformed = () => invalidRequest('Invalid XML.');
  const root: OpenElement = { name: '', attributes: new Map(), children: [], text: '' };
  const open = [root];
  tokenPattern.lastIndex = 0;
  for (let count = 0; tokenPattern.lastIndex < source.length; count += 1) {
    const match = tokenPattern.exec(source);
    const parent = open.at(-1);
    if (match === null || parent === undefined || count > maxElements) throw malformed();
    const [text, closing, name, attributes = '', selfClosing] = match;
    if (name === undefined) {
      if (!text.startsWith('<')) parent.text += unescapeXml(text.trim());
    } else if (closing === '/') {
      if (open.pop()?.name !== name) throw malformed();
    } else {
      const element: OpenElement = { name, attributes: parseAttributes(attributes), children: [], text: '' };
      parent.children.push(element);
      if (selfClosing !== '/') open.push(element);
    }
  }
  const [first, ...others] = root.children;
  if (first === undefined || others.length > 0 || open.length !== 1) throw malformed();
  return first;
}

function parseAttributes(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(attributePattern)].map(([, name = '', a, b]) => [name, unescapeXml(a ?? b ?? '')]));
}
