/** A QR code as an SVG: dark on white in both themes, since not every camera reads an inverted one. */
import { encode } from 'uqr';

const namespace = 'http://www.w3.org/2000/svg';
/** In modules: the quiet zone that the standard requires. */
const border = 4;

export function createQrCode(text: string, label: string): SVGSVGElement {
  const { data, size } = encode(text, { ecc: 'L', border });
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  svg.setAttribute('shape-rendering', 'crispEdges');
  const path = document.createElementNS(namespace, 'path');
  const modules = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])));
  path.setAttribute('d', modules.join(''));
  svg.append(path);
  return svg;
}
