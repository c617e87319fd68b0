"""A model's functions put into the stepper that calls them, and the whole made machine code: LLVM alone."""

from __future__ import annotations

from functools import cache

import llvmlite.binding as llvm

ENTRY = "entry"  # the one function that is called from outside
RHS, SOLVE = "ionwidgets_rhs", "ionwidgets_solve"  # what a model brings


def object_code(stepper: bytes, model: str) -> bytes:
    """Machine code of the stepper, as `compiling` left it, with the functions of `model`, LLVM's language."""
    module = llvm.parse_bitcode(stepper)
    brought = llvm.parse_assembly(model)
    brought.triple, brought.data_layout = module.triple, module.data_layout
    module.link_in(brought)
    optimise(module)
    return bytes(target_machine().emit_object(module))


def optimise(module: llvm.ModuleRef) -> None:
    """What nobody outside calls goes into its callers, or altogether; then what LLVM does at -O2."""
    for function in module.functions:
        if function.name != ENTRY and not function.is_declaration:
            function.linkage = "internal"
    passes = llvm.create_pass_builder(target_machine(), llvm.create_pipeline_tuning_options(speed_level=2))
    passes.getModulePassManager().run(module, passes)


def target_machine() -> llvm.TargetMachine:
    """This processor, with all that it can."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features(), opt=3, reloc="default", codemodel="jitdefault"
    )


@cache
def features() -> str:
    return llvm.get_host_cpu_features().flatten()
