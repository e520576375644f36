import { describe, expect, it } from 'vitest';
import { escapeXml, parseXml, unescapeXml } from '../../../src/odata/xml.ts';

describe('parseXml', () => {
  it('reads elements, attributes in either quotes, text and entities', () => {
    const root = parseXml(`<?xml version="1.0"?><!-- x --><a one="1 &amp; 2" two='"'><b>x &lt; y</b><c/></a>`);
    expect([root.name, root.attributes.get('one'), root.attributes.get('two')]).toEqual(['a', '1 & 2', '"']);
    expect(root.children.map(({ name, text }) => [name, text])).toEqual([
      ['b', 'x < y'],
      ['c', ''],
    ]);
  });

  it.each(['', 'text', '<a>', '<a></b>', '<a/><b/>', '</a>', '<a x=1/>', '<a', '<a><b></a></b>'])(
    'refuses %j',
    (text) => {
      expect(() => parseXml(text)).toThrow('Invalid XML');
    },
  );

  it('escapes what it unescapes', () => {
    const text = `<&">'`;
    expect(unescapeXml(escapeXml(text))).toBe(text);
  });
});
