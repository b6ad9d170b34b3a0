"""Twenty sigmoid layers learn handwritten digits, or rather: they do not.

What to expect, within seconds: the accuracy stays at 10%, as if guessing. The table shows why, and deep_sigmoid.png.
Read it from the output down: each layer divides the gradient by about 4, so after twenty nothing is left to learn from.

    python examples/deep_sigmoid.py [EPOCHS]

Then change a line and run it again. nn.Tanh() in place of nn.Sigmoid() lets the gradient through. So does nn.ReLU(),
with kaiming_normal_ in place of xavier_normal_ and LR = 0.03. Three sigmoid layers (DEPTH = 3) learn a little.
"""

import sys

import minigrad
from minigrad import data, gradflow, nn, optim

DEPTH = 20
WIDTH = 64
LR = 0.1
EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 40

minigrad.manual_seed(0)
train, test = data.digits("train"), data.digits("test")  # 8 x 8 pixels, ten digits
loader = data.DataLoader(train, batch_size=32, shuffle=True)

layers = []
for i in range(DEPTH):
    layers += [nn.Linear(WIDTH if i else 64, WIDTH), nn.Sigmoid()]
layers.append(nn.Linear(WIDTH, 10))
for layer in layers:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
model = nn.Sequential(*layers)
optimizer = optim.SGD(model.parameters(), lr=LR)
loss_of = nn.CrossEntropyLoss()

every = max(1, EPOCHS * len(loader) // 200)  # as many steps as the picture can show
with gradflow.watch(model, every, optimizer) as flow:
    for epoch in range(EPOCHS):
        for x, y in loader:
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            optimizer.step()

x, y = test.tensors
with minigrad.no_grad():
    accuracy = (model(x).argmax(1) == y).float().mean().item()

print(flow.table())
print(f"\n{flow.diagnosis()}\nTest accuracy: {accuracy:.1%}")
flow.draw("deep_sigmoid.png")
