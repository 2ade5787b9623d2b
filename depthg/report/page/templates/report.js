// The slider: two pictures of one image, one over the other, cut at the border. Without it all pictures stand side by side below.
(() => {
  const strips = [...document.querySelectorAll(".strip")];
  if (!strips.length) return;
  const at = (id) => document.getElementById(id);
  const [which, left, right, border, under, over] = ["which", "left", "right", "border", "under", "over"].map(at);
  const captions = [...strips[0].querySelectorAll("figcaption")].map((caption) => caption.textContent);
  for (const [select, chosen] of [[left, 0], [right, captions.lastIndexOf(at("compare").dataset.best)]]) {
    captions.forEach((caption, place) => select.add(new Option(caption, place, false, place === chosen)));
  }
  const show = () => {
    const images = strips[which.value].querySelectorAll("img");
    for (const [target, select] of [[over, left], [under, right]]) {
      target.src = images[select.value].src;
      target.alt = images[select.value].alt;
    }
    over.style.clipPath = `inset(0 ${100 - border.value}% 0 0)`;
    border.setAttribute("aria-valuetext", `${border.value} % ${captions[left.value]}, the rest ${captions[right.value]}`);
  };
  for (const control of [which, left, right, border]) control.addEventListener("input", show);
  at("compare").hidden = false;
  show();
})();
